// A library for deepbind.cc.
extern "C" int only_by_runpath() { return 42; }
