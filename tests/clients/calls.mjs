// Makes every call of the Node client: `record` writes what would be sent, `run` asks a running stack. `tsc` reads it, too,
// with the types of linkledger.d.ts.
import { Linkledger, ApiError } from '../../clients/node/linkledger.js';

const [mode, base, key, program] = process.argv.slice(2);
/** @param {AsyncGenerator<any>} pages */
const every = async (pages) => { const found = []; for await (const one of pages) found.push(one); return found; };

if (mode === 'record') {
  /** @type {object[]} */
  const sent = [];
  /** @type {typeof fetch} */
  const recording = async (url, { method, body } = {}) => {
    sent.push({ method, url, body: body ? JSON.parse(String(body)) : null });
    return new Response('{"data": [], "next_cursor": null}');
  };
  const ledger = new Linkledger('http://x', 'k', { fetch: recording });
  const order = { program: 'p', event: 'e', order_id: 'o', amount: 1, currency: 'EUR', click_id: 'c', coupon: 'c',
    customer_id: 'c', customer_email: 'e', customer_ip: 'i', occurred_at: 't', items: [{ sku: 's', quantity: 1, amount: 1, category: 'c' }] };
  await ledger.convert(order);
  await ledger.convertMany([order]);
  await every(ledger.conversions('p', { state: 'held', partner: 'a' }));
  await ledger.conversion('c');
  await ledger.receipt('c');
  await ledger.refund('c', 'r', { amount: 1, items: [{ line: 0, sku: 's', quantity: 1, amount: 1 }], reason: 'r' });
  await ledger.adjust('c', 'a', 'void', { reason: 'r' });
  await ledger.identify('p', 'c', 'k');
  await ledger.addPartner({ name: 'n', email: 'e', id: 'i' });
  await ledger.enroll('p', 'a');
  await every(ledger.applications('p', { decision: 'waiting' }));
  await ledger.approveApplication('p', 'a');
  await ledger.declineApplication('p', 'a');
  await ledger.addLink({ program: 'p', partner: 'a', destination: 'd', code: 'c', campaign: 'c', utm: {}, sub: {},
    tags: [], expires_at: 't', carry_query: true });
  await every(ledger.links('p', { partner: 'a' }));
  await ledger.addCoupon('p', 'a', 'c');
  await ledger.stats('p', { from: 'd', to: 'd', by: 'day' });
  await ledger.ledger('p', 'm');
  const methods = Object.getOwnPropertyNames(Linkledger.prototype).filter((name) => name !== 'constructor');
  console.log(JSON.stringify({ sent, methods }));
} else {
  const ledger = new Linkledger(base, key);
  const partner = await ledger.addPartner({ name: 'Nora', email: 'nora@example.com', id: `nora-${program}` });
  await ledger.enroll(program, partner.id);
  await ledger.addCoupon(program, partner.id, 'NORA');
  const order = { program, event: 'sale', order_id: 'N-1', amount: 4990, currency: 'EUR', coupon: 'NORA' };
  const told = await ledger.convert(order);
  await ledger.refund(told.id, 'r-1', { amount: 990 });
  const receipt = await ledger.receipt(told.id);
  const refused = await ledger.convert({ ...order, amount: 1 }).catch((error) => error);
  const links = await every(ledger.links(program));
  console.log(JSON.stringify({ outcome: told.outcome, credited: receipt.credits.map((/** @type {any} */ c) => c.partner), links: links.length,
    refused: refused instanceof ApiError && [refused.status, refused.code] }));
}
