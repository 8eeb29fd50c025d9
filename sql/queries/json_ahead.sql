-- $1 the next piece of a JSON text that is a setting of this transaction alone.
SELECT FROM set_config('ons.json',
	coalesce(current_setting('ons.json', true), '') || $1, true)
