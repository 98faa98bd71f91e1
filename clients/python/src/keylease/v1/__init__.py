"""The messages and services of keylease on the wire, generated from proto/ by generate.sh."""
