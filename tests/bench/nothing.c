/* What a program costs that does nothing, with the libraries of ours. */
int
main(void)
{
	return 0;
}
