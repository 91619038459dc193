"""Price sources as protocols read them: what each kind answers, at any time, from logs alone.

A source is one contract with `latestAnswer()`. What is known of it is one record in the book under
`("oracle", address)`: a named tuple whose type is the kind of the source (one file a kind) and whose
fields are all that its answer depends on, other sources by their address. So the records form trees,
adapters over adapters over feeds, and sources that several assets share are known once.

Records change by logs (`kinds.fold`), and by reads where logs do not say (`conversation`); an answer is
computed from them for any timestamp (`tree.answer_at`), exactly as the contracts compute it.
"""
