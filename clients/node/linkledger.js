/**
 * A client of Linkledger's API, in one file, of what Node 18 brings. Types are in linkledger.d.ts.
 * Every call is safe to repeat, and is repeated by itself where the network, a 429 or a 503 says so.
 */

const AGAIN = new Set([429, 502, 503, 504]);

/** A refusal: its HTTP status, its stable `code`, and the `field` to blame where there is one. */
export class ApiError extends Error {
  constructor(status, { code = 'unknown', message = '', field } = {}) {
    super(`${code}: ${message}`);
    Object.assign(this, { name: 'ApiError', status, code, field });
  }
}

export class Linkledger {
  #base; #key; #timeout; #attempts; #fetch; #sleep;

  constructor(baseUrl, key, options = {}) {
    this.#base = baseUrl.replace(/\/+$/, '');
    this.#key = key;
    this.#timeout = options.timeoutMs ?? 10_000;
    this.#attempts = options.attempts ?? 4;
    this.#fetch = options.fetch ?? fetch;
    this.#sleep = options.sleep ?? ((ms) => new Promise((done) => { setTimeout(done, ms); }));
  }

  convert(order) { return this.#call('POST', '/v1/conversions', order); }
  convertMany(orders) { return this.#call('POST', '/v1/conversions/batch', { conversions: orders }); }
  conversions(program, { state, partner } = {}) { return this.#pages('/v1/conversions', { program, state, partner }); }
  conversion(id) { return this.#call('GET', path`/v1/conversions/${id}`); }
  receipt(id) { return this.#call('GET', path`/v1/conversions/${id}/receipt`); }
  refund(id, refundId, more = {}) { return this.adjust(id, refundId, 'refund', more); }
  adjust(id, adjustmentId, kind, { amount, items, reason = '' } = {}) {
    return this.#call('POST', path`/v1/conversions/${id}/adjustments`, { id: adjustmentId, kind, amount, items, reason });
  }
  identify(program, customerId, clickId) {
    return this.#call('POST', '/v1/identities', { program, customer_id: customerId, click_id: clickId });
  }
  addPartner({ name, email, id }) { return this.#call('POST', '/v1/partners', { name, email, id }); }
  enroll(program, partner) { return this.#call('POST', path`/v1/programs/${program}/enrollments`, { partner }); }
  applications(program, { decision } = {}) { return this.#pages(path`/v1/programs/${program}/applications`, { decision }); }
  approveApplication(program, id) { return this.#call('POST', path`/v1/programs/${program}/applications/${id}/approve`); }
  declineApplication(program, id) { return this.#call('POST', path`/v1/programs/${program}/applications/${id}/decline`); }
  addLink(link) { return this.#call('POST', '/v1/links', link); }
  links(program, { partner } = {}) { return this.#pages('/v1/links', { program, partner }); }
  addCoupon(program, partner, code, { max_uses = null } = {}) {
    return this.#call('POST', '/v1/coupons', { program, partner, code, max_uses });
  }
  stats(program, { from, to, by } = {}) { return this.#call('GET', '/v1/stats', undefined, { program, from, to, by }); }
  ledger(program, month) { return this.#call('GET', path`/v1/ledgers/${program}/${month}`); }

  async* #pages(where, query) {
    let cursor;
    do {
      const page = await this.#call('GET', where, undefined, { ...query, cursor });
      yield* page.data;
      cursor = page.next_cursor;
    } while (cursor);
  }

  async #call(method, where, body, query = {}) {
    const told = Object.entries(query).filter(([, value]) => value);
    const url = this.#base + where + (told.length ? `?${new URLSearchParams(told)}` : '');
    const headers = { Authorization: `Bearer ${this.#key}`, Accept: 'application/json' };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    for (let attempt = 0; ; attempt += 1) {
      const last = attempt >= this.#attempts - 1;
      let wait = 250 * 2 ** attempt;
      try {
        const signal = AbortSignal.timeout(this.#timeout);
        const answer = await this.#fetch(url, { method, headers, body: body && JSON.stringify(body), signal });
        if (!AGAIN.has(answer.status) || last) return await read(answer);
        wait = Number(answer.headers.get('retry-after')) * 1000 || wait;
      } catch (error) {
        if (error instanceof ApiError || last) throw error;
      }
      await this.#sleep(wait);
    }
  }
}

const path = (texts, ...values) => texts.reduce((all, text, at) => all + encodeURIComponent(values[at - 1]) + text);

const read = async (answer) => {
  const text = await answer.text();
  let told = {};
  try { told = text ? JSON.parse(text) : {}; } catch { /* no answer of ours */ }
  if (answer.ok) return told;
  throw new ApiError(answer.status, told.error);
};
