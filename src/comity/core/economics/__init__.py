"""What service costs and whose doing a miss was: queueing, staffing, attribution, the price of a target."""
