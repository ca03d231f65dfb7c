/** Types of the tag: `linkledger(...)` may be called before it has loaded, and never throws. */

/** An integer of minor units (4990 is 49.90 EUR), or text in major units ("49.90"). */
type LinkledgerAmount = number | string;

interface LinkledgerItem {
  sku: string;
  quantity?: number;
  /** Of the whole line. */
  amount: LinkledgerAmount;
  category?: string;
}

interface LinkledgerConversion {
  /** Such as "sale", "lead", "signup": an event that the program's terms name. */
  event: string;
  /** Your own id of the order: a repeat with the same id is the same conversion. */
  order_id: string;
  amount?: LinkledgerAmount;
  /** ISO 4217; the program's own where it is left out. */
  currency?: string;
  coupon?: string;
  /** Your own id of the customer, never an e-mail address. */
  customer_id?: string;
  items?: LinkledgerItem[];
  /** Where your session keeps the click by itself; else what the tag remembers. */
  click_id?: string;
}

interface Linkledger {
  (call: 'convert', conversion: LinkledgerConversion): void;
  (call: 'identify', customer: { customer_id: string }): void;
  (call: 'consent', choice: 'granted' | 'denied'): void;
  q?: IArguments[];
}

interface Window {
  linkledger: Linkledger;
}

declare const linkledger: Linkledger;
