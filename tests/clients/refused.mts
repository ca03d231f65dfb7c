// Uses of the Node client that its types refuse: each line names the error that it gets.
import { ApiError, Linkledger } from '../../clients/node/linkledger.js';

const ledger = new Linkledger('http://x', 'k');
const order = { program: 'p', event: 'e', order_id: 'o', amount: 4990, currency: 'EUR' };
const refusal = new ApiError(409);

new Linkledger('http://x'); // TS2554
new Linkledger('http://x', 'k', { timeout: 10 }); // TS2345
ledger.convert({ ...order, amount: '49.90' }); // TS2322
ledger.convert({ program: 'p', event: 'e', amount: 4990, currency: 'EUR' }); // TS2345
ledger.convert({ ...order, coupom: 'ANNA10' }); // TS2345
ledger.convert({ ...order, items: [{ sku: 's', quantity: 1 }] }); // TS2741
ledger.convertMany(order); // TS2345
ledger.refund('c', 'r', 1000); // TS2559
ledger.refund('c', 'r', { lines: [0] }); // TS2345
ledger.adjust('c', 'a', 'reverse'); // TS2345
ledger.addPartner({ name: 'Nora' }); // TS2345
ledger.addLink({ program: 'p', partner: 'a', tags: 'winter' }); // TS2322
ledger.links('p').then(String); // TS2339
ledger.payout('p'); // TS2339
refusal.status = 200; // TS2540
