"""A mixed load for a long time: does the broker's memory stay what it was, and nothing get lost?"""
