"""python examples/order_kinds.py: every kind of order on one book, and a futures exchange's way of sharing out."""

from __future__ import annotations

from lob import Allocation, EventKind, Instrument, OrderBook, SelfTrade

book = OrderBook(Instrument(n_agents=3, self_trade=SelfTrade.CANCEL_OLDEST))
book.limit("buy", 95, 50)
book.limit("sell", 105, 50)

# An iceberg of 100 shows ten; a hidden order stands behind what is shown at its price.
book.iceberg("sell", 104, 100, 10)
book.hidden("sell", 104, 20)
took = book.market("buy", 25)
print("25 lots took", [(int(row["qty_lots"]), EventKind(row["kind"]).name) for row in took.events])

# A peg in the middle of the touch, with a minimum, and an investor who crosses.
book.pegged("buy", "midpoint", 30, min_lots=10)
print("sold at the midpoint:", book.market("sell", 12).average_price_ticks)

# A stop waits outside of the book and acts in the wake of the trade that reaches it.
book.stop("sell", 95, 40)
fall = book.market("sell", 20)
print("a fall:", [EventKind(row["kind"]).name for row in fall.events])

# Good until a time, in ns; the venue withdraws it.
timed = book.send("limit", side="buy", price_ticks=90, qty_lots=5, expires_ns=2_000)
book.time_ns = 2_000
print("expired:", [EventKind(row["kind"]).name for row in book.expire().events], book.order(timed.order_id))

# An own order in the way is withdrawn.
book.limit("sell", 99, 5, agent=1)
print("self-trade:", book.limit("buy", 99, 5, agent=1).filled_lots, "lots traded")

# CME Group's algorithm K in small: the order that bettered the market first, 40% by time, the rest in proportion.
rules = Allocation(top_max_lots=10, fifo_percent=40, leveling=True)
future = OrderBook(Instrument(allocation=rules))
sizes = {future.limit("sell", 101, lots).order_id: lots for lots in (20, 50, 80)}
shares = future.limit("buy", 101, 60).events
print("60 lots among", list(sizes.values()), "->", shares["qty_lots"].tolist())
