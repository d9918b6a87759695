#pragma once

#include <memory>
#include <utility>

#include "protocol/base/time.hpp"
#include "server/shard/bucket.hpp"

namespace beckon::server {

class Services;

/// A value on its way to a room of another bucket. It holds nothing of the sender's shard: no RequestPtr, no
/// EntryPtr, no callback. The room receives it as `on(T value, Bucket at, Now now)`.
class Parcel {
 public:
  template <class Room, class T>
  static Parcel to(Bucket at, T value) {
    return Parcel(at, std::make_unique<Content<Room, T>>(std::move(value)));
  }

  Bucket at() const { return at_; }
  /// On the thread of the shard that owns `at()`; once.
  void open(Services& there, Now now) { content_->open(there, at_, now); }

 private:
  struct Any {
    virtual ~Any() = default;
    virtual void open(Services& there, Bucket at, Now now) = 0;
  };
  template <class Room, class T>
  struct Content final : Any {
    explicit Content(T v) : value(std::move(v)) {}
    void open(Services& there, Bucket at, Now now) override;
    T value;
  };

  Parcel(Bucket at, std::unique_ptr<Any> content) : at_(at), content_(std::move(content)) {}

  Bucket at_;
  std::unique_ptr<Any> content_;
};

}  // namespace beckon::server
