"""Identity's pages, one module a topic: signing in, oneself and one's sessions, enrolment, roles, authorising."""
