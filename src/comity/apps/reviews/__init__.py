"""The joint review in the room: its pages, disputing a figure, closing and freezing a period."""
