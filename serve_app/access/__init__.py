"""Who may do what: keys, sign-ins, guesses, the audit log. Knows nothing of tasks and of Ray."""
