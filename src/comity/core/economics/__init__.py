"""Economics of a service: queueing, staffing, attribution of a miss, prices, and the cost of a target."""
