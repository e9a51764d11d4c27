"""The exchange by itself: one order book, driven by hand.

Run: python examples/order_book.py
"""

from __future__ import annotations

import numpy as np

from lob import MESSAGE, Instrument, MessageKind, OrderBook

# A stock with prices from 0 to 19,999 ticks. An agent's number is needed to cancel all of its orders at once.
book = OrderBook(Instrument(name="STOCK", n_prices=20_000, n_agents=10))

# One order at a time: each call returns what the exchange did.
for price_ticks, qty_lots in [(10_003, 50), (10_002, 30), (10_002, 20)]:
    book.limit("sell", price_ticks, qty_lots)
first = book.limit("buy", 9_999, 40, agent=3)
second = book.limit("buy", 9_999, 25, agent=4)
print(book)
print(f"best bid {book.best_bid_ticks}, best ask {book.best_ask_ticks}, spread {book.spread_ticks} ticks")

print("\nAsks from the touch outwards:")
for level in book.depth("sell", n_levels=5):
    print(f"  {level.price_ticks}  {level.qty_lots:3d} lots in {level.n_orders} orders")

# Price-time priority: who came second waits behind the first.
print(f"\nAhead of order {second.order_id}: (orders, lots) = {book.queue_position(second.order_id)}")

report = book.market("sell", 50)
print(f"A market order to sell 50: filled {report.filled_lots} at {report.average_price_ticks} on average")
print(
    f"Order {first.order_id} is gone: {book.order(first.order_id)}; left of the second: {book.order(second.order_id)}"
)

report = book.limit("buy", 10_010, 5, post_only=True)
assert report.rejected is not None
print(f"A post-only order that would trade is refused: {report.rejected.name}")

# A batch: an array of messages in, an array of tape rows out. Simulations drive the same engine this way.
messages = np.zeros(1000, MESSAGE)
messages["kind"] = MessageKind.LIMIT
messages["side"] = np.where(np.arange(1000) % 2, 1, -1)
messages["price_ticks"] = 10_001 - messages["side"] * (1 + np.arange(1000) % 7)
messages["qty_lots"] = 10
messages["agent"] = -1
rows = book.apply(messages)
print(f"\n1,000 messages at once wrote {len(rows)} rows; {book.n_orders} orders rest now:")

oldest = next(book.orders("buy"))
print(f"  the next buy order to trade is {oldest}")
