"""Credit default, end to end: real statements of 30,000 clients in, a registered and evaluated model version out.

`data/` is the public data set (CC BY 4.0, see its README). Names, e-mail addresses, phone numbers, IBANs and card
numbers are synthetic: made here with a fixed seed, because the data set rightly has none.
"""
