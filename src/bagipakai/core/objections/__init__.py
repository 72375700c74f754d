"""What can stand in the way of a request, one function each, named as the person is told it; one module a subject.

`readiness_has_lapsed` gives the code `readiness-has-lapsed`; its sentence, in two languages and with its source, stands
in policies/refusals.toml under that code. A function takes values and returns a value: the request as its events left
it, the command, and the facts. Sources: law reference 4.2 (guards), 4.4 (invariants), 4.5 (documents).

`plan` alone judges no command: what can stand in the way of a plan, asked by the office and again by the registry.
"""
