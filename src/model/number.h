/*
 * number.h - telephone numbers, however they are typed.
 */
#ifndef MODEL_NUMBER_H
#define MODEL_NUMBER_H

#define NUMBER_SIZE 32

/*
 * The number as E.164 has it, "+15550001111", to compare with others: blanks,
 * brackets, dots, slashes and dashes are dropped; 00 is +; ten digits, or
 * eleven that begin with 1, are a number of North America, where OpenPhone's
 * own are. Anything else comes out as it is, cut to fit, through no character:
 * people type words into such fields, too.
 */
void number_e164(const char *text, char ret[NUMBER_SIZE]);

#endif
