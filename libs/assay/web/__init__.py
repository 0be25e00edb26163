"""The edge of every service: mTLS listener, who is calling, what is allowed, how refusals are rendered.

A service declares `Routes`, joins `Parts` from its settings and hands both to `server.run`; no route is
reachable without a permission, and identity comes from the peer's certificate alone.
"""
