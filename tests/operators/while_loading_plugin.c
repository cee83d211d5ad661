// Calls the program while it is loaded.
void at_load(void);

__attribute__((constructor)) static void construct(void) { at_load(); }
