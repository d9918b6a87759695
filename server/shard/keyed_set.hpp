#pragma once

#include <boost/container_hash/hash.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstddef>
#include <utility>

namespace beckon::server {

/// A set of objects, not owned, each found by a key that lies in the object itself: nine octets an object.
/// `key_of` gives a value or a view that stays the same while the object is in the set.
template <class T, auto key_of>
struct KeyedSet {
  using Key = decltype(key_of(std::declval<const T&>()));
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const T* object) const { return boost::hash<Key>{}(key_of(*object)); }
    std::size_t operator()(const Key& key) const { return boost::hash<Key>{}(key); }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const T* a, const T* b) const { return key_of(*a) == key_of(*b); }
    bool operator()(const Key& key, const T* object) const { return key == key_of(*object); }
    bool operator()(const T* object, const Key& key) const { return key == key_of(*object); }
  };

  /// Null: none.
  T* find(const Key& key) const {
    const auto found = set.find(key);
    return found == set.end() ? nullptr : *found;
  }
  void insert(T& object) { set.insert(&object); }
  void erase(T& object) { set.erase(&object); }
  std::size_t size() const { return set.size(); }
  bool empty() const { return set.empty(); }

  boost::unordered_flat_set<T*, Hash, Equal> set;
};

}  // namespace beckon::server
