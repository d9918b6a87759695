"""Direct sessions (ds1) a second time, in Python, written from `DIRECT_SESSIONS.md` alone; see README.md."""
