"""Which code is changed by `tests/mutants.py`, and the tests that must notice."""

_DECIDING = ("coupon_use", "decision", "settlement", "takings", "customer", "paid_state")
DECIDING = [f"tests/domain/test_{about}.py" for about in _DECIDING]
PRICING = ["tests/domain/commission"]
CREDIT = ["tests/domain/attribution"]
WORTH = ["tests/domain/worth"]
ORDERS = ["tests/domain/test_settlement_orders.py"]
PAYOUT = ["tests/domain/payout"]
CARTS = ["tests/services/carts"]
PIECES = ["tests/services/test_spooling.py", "tests/services/test_pieces.py"]
FRAUD = ["tests/domain/fraud"]
CUSTOMERS = ["tests/services/test_customers.py"]
ADJUSTMENTS = ["tests/services/test_adjustments.py"]
CLOSE = ["tests/services/test_months.py"]
FILES = ["tests/services/test_month_files.py"]

TESTS: dict[str, list[list[str]]] = {
    "domain/money.py": [["tests/domain/test_money.py"], ORDERS],
    "domain/rates.py": [["tests/domain/test_rates.py", *PRICING]],
    "domain/facts.py": [["tests/domain/test_facts.py"], DECIDING],
    "domain/coupon_use.py": [DECIDING],
    "domain/customer.py": [DECIDING],
    "domain/earning.py": [DECIDING, CREDIT, FRAUD, ORDERS],
    "domain/decision.py": [DECIDING, CREDIT, FRAUD, ORDERS],
    "domain/takings.py": [["tests/domain/test_takings.py"], DECIDING, ORDERS],
    "domain/settlement.py": [DECIDING, ORDERS],
    "domain/adjusting.py": [["tests/domain/test_adjusting.py"], ADJUSTMENTS],
    "domain/journal.py": [["tests/domain/test_journal.py", "tests/domain/test_ledger.py"], DECIDING, ORDERS],
    "domain/booking.py": [["tests/domain/test_booking.py"]],
    "domain/period.py": [["tests/domain/test_period.py"], DECIDING],
    "domain/path.py": [["tests/domain/test_path.py"], CREDIT, DECIDING],
    "domain/terms.py": [["tests/domain/test_terms.py"], CREDIT, DECIDING, PRICING],
    "domain/ledger.py": [["tests/domain/test_ledger.py"]],
    "domain/statement.py": [["tests/domain/test_statement.py"]],
    "domain/monthly.py": [["tests/domain/test_monthly.py"]],
    "domain/monthly_file.py": [["tests/domain/test_monthly.py"]],
    "domain/token.py": [["tests/domain/test_token.py"]],
    "domain/attribution/channel_weights.py": [CREDIT],
    "domain/attribution/first.py": [CREDIT],
    "domain/attribution/last.py": [CREDIT],
    "domain/attribution/last_non_direct.py": [CREDIT],
    "domain/attribution/linear.py": [CREDIT],
    "domain/attribution/position.py": [CREDIT],
    "domain/attribution/time_decay.py": [CREDIT],
    "domain/commission/flat.py": [PRICING, DECIDING],
    "domain/commission/percent.py": [PRICING, DECIDING],
    "domain/commission/pricing.py": [PRICING, DECIDING],
    "domain/commission/sale.py": [PRICING, DECIDING],
    "domain/commission/tiered.py": [PRICING, DECIDING],
    "domain/commission/worth.py": [PRICING, DECIDING],
    "domain/worth/comparison.py": [WORTH],
    "domain/worth/markov.py": [WORTH],
    "domain/worth/paths.py": [WORTH],
    "domain/worth/shapley.py": [WORTH],
    "domain/payout/batch.py": [PAYOUT],
    "domain/payout/iban.py": [PAYOUT],
    "domain/payout/paypal.py": [PAYOUT],
    "domain/payout/review.py": [PAYOUT],
    "domain/payout/sepa.py": [PAYOUT],
    "domain/payout/wise.py": [PAYOUT],
    "services/signatures.py": [["tests/services/test_signatures.py"]],
    "services/carts/delivery.py": [CARTS],
    "services/carts/shopify.py": [CARTS],
    "services/carts/stripe.py": [CARTS],
    "services/carts/woocommerce.py": [CARTS],
    "services/adjustments.py": [["tests/services/test_adjustments.py"]],
    "services/settle.py": [
        ["tests/services/test_settle.py"],
        [*CUSTOMERS, "tests/services/test_fraud.py"],
        CLOSE,
    ],
    "services/payouts.py": [["tests/services/test_payouts.py"]],
    "services/payout_facts.py": [["tests/services/test_payouts.py"]],
    "services/payout_states.py": [["tests/services/test_payouts.py"]],
    "services/manual.py": [["tests/services/test_payouts.py"]],
    "services/months.py": [CLOSE],
    "services/close.py": [CLOSE, FILES],
    "services/publishing.py": [["tests/services/test_publishing.py"], FILES, CLOSE],
    "services/pieces.py": [PIECES],
    "services/kept_pieces.py": [FILES, CLOSE],
    "services/month_files.py": [FILES, CLOSE],
    "services/spooling.py": [PIECES],
}
"""The modules below `chalicelib`, and the tests that must notice a change of theirs, the quickest first."""

WITHOUT_ENGINE = ("tests/domain", "tests/services/test_signatures.py", *CARTS, *PIECES)
"""Tests that need no conftest."""
