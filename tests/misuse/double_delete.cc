// Deletes an object twice. Usage: double_delete
#include "misuse.h"

struct Object {
  long values[10];
};

int main() {
  auto* object = static_cast<Object*>(suspect(new Object()));
  auto* volatile again = object;
  delete object;
  delete again;
  still_alive();
}
