"""Who is who: workload and personal certificates, passkey assertions, grants, and what people sign.

`workload` and `person` hold a certificate and open connections with it, `webauthn` verifies what a person
said, `statements` is what there is to say, `grants` lets a service act for a person.
"""
