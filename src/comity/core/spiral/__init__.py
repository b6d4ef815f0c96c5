"""The spiral watch: which acts on the record strain a relationship, and which are their ordinary counterparts."""
