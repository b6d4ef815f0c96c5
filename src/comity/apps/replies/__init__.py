"""Reply times: by when an answer is due, reminders, and where silence counts as one."""
