#pragma once

#include <memory>
#include <typeindex>
#include <utility>

#include "protocol/base/time.hpp"
#include "server/shard/bucket.hpp"

namespace beckon::server {

/// A value on its way to a room of another bucket. It holds nothing of the sender's shard: no RequestPtr, no
/// EntryPtr, no callback. The room receives it as `on(T value, Bucket at, Now now)`.
class Parcel {
 public:
  template <class Room, class T>
  static Parcel to(Bucket at, T value) {
    return Parcel(at, typeid(Room), std::make_unique<Content<Room, T>>(std::move(value)));
  }

  Bucket at() const { return at_; }
  /// The type of the room that receives it.
  std::type_index room() const { return room_; }
  /// On the thread of the shard that owns `at()`; once. `room` is that shard's object of the type `room()`.
  void open(void* room, Now now) { content_->open(room, at_, now); }

 private:
  struct Any {
    virtual ~Any() = default;
    virtual void open(void* room, Bucket at, Now now) = 0;
  };
  template <class Room, class T>
  struct Content final : Any {
    explicit Content(T v) : value(std::move(v)) {}
    void open(void* room, Bucket at, Now now) override {
      static_cast<Room*>(room)->on(std::move(value), at, now);
    }
    T value;
  };

  Parcel(Bucket at, std::type_index room, std::unique_ptr<Any> content)
      : at_(at), room_(room), content_(std::move(content)) {}

  Bucket at_;
  std::type_index room_;
  std::unique_ptr<Any> content_;
};

}  // namespace beckon::server
