/* Linkledger's tag: docs/tag.md says how to embed it and what it sends. */
(() => {
  'use strict';
  const w = window, d = document, name = 'll_click';
  if (w.linkledger?.live) return;
  const script = d.currentScript || d.querySelector('script[data-program][src*="/tag.js"]');
  const program = script?.dataset.program;
  if (!program) return;
  const set = script.dataset;
  const endpoint = new URL(script.src, location).origin + '/v1/collect';
  const param = set.param || name;
  /* Ours and those of vendors whom shops come from; the last two name a click there, so rarely anybody here. */
  const direct = (set.direct
    || 'ref,via,aff,aff_id,affiliate,partner,fpr,fp_ref,tap_s,tap_a,ps_partner_key,ps_xid,dub_id').split(',');
  const old = (set.oldCookies || '').split(',').filter(Boolean);
  const visit = /^(utm_(source|medium|campaign|term|content)|sub\d\d?|gclid|fbclid|msclkid|ttclid)$/;
  const token = /^[\w-]{59}$/;
  const kept = 5;
  let maxAge = (set.days || 30) * 86400;
  let consent, customer, held, viewed, waiting = 0, asked = '', memory = [], queue = [];

  /** Nothing that happens here may reach the page. */
  const quietly = (act) => { try { return act(); } catch { /* the page goes on */ } };
  const allowed = () => !navigator.globalPrivacyControl && consent !== 'denied'
    && (set.consent !== 'required' || consent === 'granted');

  /* What is kept is `expiry~token~token`, newest last: cookie first, storage where cookies are blocked. */
  const keep = (value, age) => {
    const site = (set.domain ? '; Domain=' + set.domain : '') + (location.protocol === 'https:' ? '; Secure' : '');
    quietly(() => { d.cookie = `${name}=${value}; Path=/; SameSite=Lax; Max-Age=${age}${site}`; });
    quietly(() => (age ? localStorage.setItem(name, value) : localStorage.removeItem(name)));
  };
  const read = (text) => {
    const [expiry, ...tokens] = (text || '').split('~');
    return expiry * 1000 > Date.now() ? tokens.filter((t) => token.test(t)) : [];
  };
  const cookie = (key) => d.cookie.split('; ').find((c) => c.startsWith(key + '='))?.slice(key.length + 1);
  const clicks = () => {
    if (!allowed()) return [];
    for (const source of [() => cookie(name), () => localStorage.getItem(name)]) {
      const found = read(quietly(source));
      if (found.length) return found;
    }
    return memory;
  };
  const remember = (click) => {
    memory = [...clicks().filter((t) => t !== click), click].slice(-kept);
    keep([Math.floor(Date.now() / 1000) + maxAge, ...memory].join('~'), maxAge);
  };

  const written = (event) => JSON.stringify({ program, ...event, consent });
  const beacon = (event) => quietly(() => navigator.sendBeacon(endpoint, written(event)));
  const post = (event, then) => {
    const body = written(event);
    const sent = quietly(() => fetch(endpoint, { method: 'POST', body, keepalive: true, credentials: 'omit' }));
    const failed = () => { beacon(event); then?.({}); };
    if (!sent) return failed();
    sent.then(async (answer) => {
      const reply = await answer.json().catch(() => ({}));
      if (!answer.ok) console.warn('linkledger:', reply.error);
      then?.(reply);
    }, failed).catch(() => {});
  };
  const flush = (by = post) => {
    waiting = 0;
    queue.splice(0).forEach((make) => { const event = quietly(make); if (event) by(event); });
  };
  /* An event waits for a click that is being recorded, but not for ever, and not beyond the page. */
  const send = (event) => { queue.push(event); if (!waiting) flush(); };

  const strip = (unwanted) => {
    const rest = location.search.slice(1).split('&').filter((p) => p && p.split('=')[0] !== unwanted);
    history.replaceState(history.state, '', location.pathname + (rest.length ? '?' + rest.join('&') : '') + location.hash);
  };
  const landing = (query) => {
    const found = {};
    query.forEach((value, key) => { if (visit.test(key)) found[key] = value.slice(0, 200); });
    const framed = window.top !== window || undefined;
    return { framed, page: (location.origin + location.pathname).slice(0, 2000), referrer: d.referrer.split(/[?#]/)[0].slice(0, 2000), utm: found };
  };
  const record = (event, query, by) => {
    waiting += 1;
    setTimeout(() => flush(), 2000);
    post({ type: 'click', ...event }, (reply) => {
      quietly(() => {
        if (reply.max_age_s) maxAge = reply.max_age_s;
        if (!reply.recorded) return;
        if (reply.click_id && allowed()) remember(reply.click_id);
        else held = query;
        if (by) strip(by);
      });
      flush();
    });
  };
  /** Whom another vendor's tag had noted in a cookie before. */
  const known = () => quietly(() => decodeURIComponent(old.map(cookie).find(Boolean) || ''));
  const capture = (query) => {
    const click = query.get(param), by = direct.find((key) => query.get(key));
    const ref = by ? query.get(by) : allowed() && !clicks().length && known();
    if (click && token.test(click)) {
      held = allowed() ? null : query;
      if (held) return;
      strip(param);
      if (clicks().at(-1) === click) return;
      remember(click);
      record({ click_id: click }, query, param);
    } else if (ref && asked !== by + ref + consent) {
      asked = by + ref + consent;
      record({ partner: ref, click_id: clicks().at(-1), ...landing(query) }, query, by);
    } else if ('views' in set && !viewed) {
      record({ type: 'view', click_id: clicks().at(-1), ...landing(query) }, query);
    }
    viewed = true;
  };
  const here = () => quietly(() => capture(new URLSearchParams(location.search)));

  const calls = {
    convert: (given) => send(() => {
      const known = clicks();
      const { click_id = known.at(-1), customer_id = customer, ...rest } = given;
      const ids = allowed() ? { click_id, customer_id, earlier: known.filter((t) => t !== click_id).slice(1 - kept) } : {};
      return { type: 'convert', ...rest, ...ids };
    }),
    identify: ({ customer_id }) => {
      customer = customer_id;
      send(() => clicks().length && { type: 'identify', customer_id, click_id: clicks().at(-1) });
    },
    consent: (value) => {
      consent = value;
      if (allowed()) held ? capture(held) : here();
      else { memory = []; customer = undefined; keep('', 0); }
    },
  };
  const early = w.linkledger?.q || [];
  w.linkledger = (call, ...given) => { quietly(() => calls[call](...given)); };
  w.linkledger.live = true;

  /* Consent that was told before loading holds for the landing, too. */
  early.forEach((args) => { if (args[0] === 'consent') consent = args[1]; });
  /* A router may have replaced the address before an async tag runs: the navigation remembers it. */
  quietly(() => {
    const first = performance.getEntriesByType('navigation')[0]?.name;
    const query = new URLSearchParams(location.search);
    if (first) new URL(first).searchParams.forEach((value, key) => { if (!query.has(key)) query.set(key, value); });
    capture(query);
  });
  early.forEach((args) => w.linkledger(...args));
  for (const method of ['pushState', 'replaceState']) {
    const original = history[method];
    history[method] = function (...args) {
      const before = location.href, result = original.apply(this, args);
      if (location.href !== before) here();
      return result;
    };
  }
  w.addEventListener('popstate', here);
  w.addEventListener('pagehide', () => flush(beacon));
})();
