"""Orders and rules beyond price and time: icebergs, hidden, pegged and timed orders, stops, shares, self-trades.

The plain engine of lob.matching hands over whole messages: those that carry an instruction of this package, and all
of them while the book holds such an order or the instrument has such a rule (`BOOK.extended`). So the plain engine asks
one question a message, and knows nothing else of what is here. It is called through an address (`entry.lend_engine`):
it is compiled once and not into every kernel that holds a book, and only when it is needed.

    details.py      what an order is beyond a limit order; lists of pegged, trailing, timed and elected orders
    aside.py        queues outside of the displayed book: hidden orders and waiting stops
    pegs.py         prices of pegged orders; the best undisplayed order for an incoming one
    placing.py      putting orders where they rest or wait, and taking them out
    trading.py      executions, refreshes, self-trade prevention, the order of priority
    sharing.py      allocation among the orders of one price
    feasible.py     what an order could trade at once, for orders that must
    stops.py        which trades elect a stop
    elected.py      what it does then
    following.py    pegged orders after the touch has moved
    checks.py       why an order is refused
    new_orders.py   new orders of every kind
    changes.py      cancels, reductions, replacements, expiry
    entry.py        one message, and the wake of the last one
"""
