"""Reply times: due times of answers, reminders, and silence that counts as an answer."""
