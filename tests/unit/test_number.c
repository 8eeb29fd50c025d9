#include "unit.h"

#include "model/number.h"

static void
numbers_compare_however_they_are_typed(void **state)
{
	static const struct {
		const char *typed, *e164;
	} rows[] = {
		{ "+15550001111", "+15550001111" },
		{ "+1 (555) 000-1111", "+15550001111" },
		{ "(555) 000-1111", "+15550001111" },
		{ "555.000.1111", "+15550001111" },
		{ "1-555-000-1111", "+15550001111" },
		{ "001 555 000 1111", "+15550001111" },
		{ "+49 30/555 00", "+493055500" },
		{ "0049 30 555001", "+4930555001" },
		/* not to be told */
		{ "0305550011", "0305550011" },
		{ "55500", "55500" },
		{ "005", "005" },
		{ "anonymous", "anonymous" },
		{ "", "" },
		{ "123456789012345678901234567890123456789",
		    "12345678901234567890123456789" },
		/* people type words into such fields, and no half letters */
		{ "nur abends: äöüäöüäöüäöüäöü", "nurabends:äöüäöüäöü" },
		{ "nur Abends, äöüäöüäöüäöüäöü", "nurAbends,äöüäöüäöü" },
		{ "ab neun: äöüäöüäöüäöüäöü", "abneun:äöüäöüäöüäö" },
	};
	char got[NUMBER_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		number_e164(rows[i].typed, got);
		assert_string_equal(got, rows[i].e164);
		/* once more changes nothing */
		number_e164(got, got);
		assert_string_equal(got, rows[i].e164);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_compare_however_they_are_typed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
