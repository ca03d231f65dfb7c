export type Json = Record<string, any>;

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly field?: string;
  constructor(status: number, refusal?: { code?: string; message?: string; field?: string });
}

/** `amount` is the whole line's, in minor units. */
export interface Item { sku: string; amount: number; quantity?: number; category?: string }

/** A line that came back: by its position from 0, its `sku`, or both; without a figure all that is left. */
export interface ReturnedItem { line?: number; sku?: string; quantity?: number; amount?: number }

/** `amount` is in minor units: 4990 is 49.90 EUR. */
export interface Order {
  program: string; event: string; order_id: string; amount: number; currency: string;
  click_id?: string; coupon?: string; customer_id?: string; customer_email?: string; customer_ip?: string;
  occurred_at?: string; items?: Item[];
}

export interface NewLink {
  program: string; partner: string; destination?: string; code?: string; campaign?: string;
  utm?: Record<string, string>; sub?: Record<string, string>; tags?: string[]; expires_at?: string;
  carry_query?: boolean;
}

export interface Options {
  timeoutMs?: number; attempts?: number; fetch?: typeof fetch; sleep?: (ms: number) => Promise<void>;
}

/** Of a refund: an amount, lines, or, without either, all that is left. */
export interface Adjusted { amount?: number; items?: ReturnedItem[]; reason?: string }

export type AdjustmentKind = 'refund' | 'chargeback' | 'void' | 'approve' | 'reject';

export class Linkledger {
  constructor(baseUrl: string, key: string, options?: Options);
  convert(order: Order): Promise<Json>;
  convertMany(orders: Order[]): Promise<Json>;
  conversions(program: string, query?: { state?: string; partner?: string }): AsyncGenerator<Json>;
  conversion(id: string): Promise<Json>;
  receipt(id: string): Promise<Json>;
  refund(id: string, refundId: string, more?: Adjusted): Promise<Json>;
  adjust(id: string, adjustmentId: string, kind: AdjustmentKind, more?: Adjusted): Promise<Json>;
  identify(program: string, customerId: string, clickId: string): Promise<Json>;
  addPartner(partner: { name: string; email: string; id?: string }): Promise<Json>;
  enroll(program: string, partner: string): Promise<Json>;
  applications(program: string, query?: { decision?: string }): AsyncGenerator<Json>;
  approveApplication(program: string, id: string): Promise<Json>;
  declineApplication(program: string, id: string): Promise<Json>;
  addLink(link: NewLink): Promise<Json>;
  links(program: string, query?: { partner?: string }): AsyncGenerator<Json>;
  addCoupon(program: string, partner: string, code: string, more?: { max_uses?: number | null }): Promise<Json>;
  stats(program: string, query?: { from?: string; to?: string; by?: string }): Promise<Json>;
  ledger(program: string, month: string): Promise<Json>;
}
