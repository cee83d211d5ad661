// A doubly linked list through members of its elements: nothing to allocate, removal in O(1).
//
// Thread safety: none; whoever guards the list guards the links.
#pragma once

#include <cstddef>

namespace ralloc {

template <class Sync, class T>
struct Links {
  typename Sync::template Cell<T*> previous{};
  typename Sync::template Cell<T*> next{};
};

template <class Sync, class T, Links<Sync, T> T::*kLinks>
class List {
 public:
  T* front() const { return first_.get(); }
  T* back() const { return last_.get(); }
  static T* after(const T* element) { return (element->*kLinks).next.get(); }
  static T* before(const T* element) { return (element->*kLinks).previous.get(); }

  void push_front(T* element) { insert(nullptr, element, first_.get()); }
  void push_back(T* element) { insert(last_.get(), element, nullptr); }
  void insert_after(T* previous, T* element) { insert(previous, element, after(previous)); }

  void remove(T* element) {
    T* previous = (element->*kLinks).previous.get();
    T* next = (element->*kLinks).next.get();
    next_of(previous).set(next);
    previous_of(next).set(previous);
  }

  void clear() {
    first_.set(nullptr);
    last_.set(nullptr);
  }

 private:
  using Link = typename Sync::template Cell<T*>;
  Link& next_of(T* element) { return element == nullptr ? first_ : (element->*kLinks).next; }
  Link& previous_of(T* element) { return element == nullptr ? last_ : (element->*kLinks).previous; }

  void insert(T* previous, T* element, T* next) {
    (element->*kLinks).previous.set(previous);
    (element->*kLinks).next.set(next);
    next_of(previous).set(element);
    previous_of(next).set(element);
  }

  Link first_{};
  Link last_{};
};

}  // namespace ralloc
