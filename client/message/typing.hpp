#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "client/account/context.hpp"
#include "client/message/composing.hpp"

namespace beckon::client::message {

/// Who types to whom: the machines of RFC 3994 with their timers, for all peers. Reports "typing".
class Typing {
 public:
  /// Time has passed: `to` is to be told that the user is still composing, or is not any more.
  using Tell = std::function<void(const std::string& to, bool active, Now now)>;
  /// Recipients that the user types to at once, and peers that type to the user; further ones are not
  /// followed.
  static constexpr std::size_t peers_max = 100;

  Typing(account::Context& context, Tell tell) : context_(context), tell_(std::move(tell)) {}

  // The user. True: the recipient is to be told.
  bool compose(const std::string& to, Now now);
  bool stop(const std::string& to, Now now);
  void on_sent(const std::string& to, Now now);

  // The peers.
  void on_status(const std::string& from, bool active, std::optional<std::uint32_t> refresh_seconds, Now now);
  void on_message(const std::string& from, Now now);

 private:
  template <class Machine>
  struct Entry {
    explicit Entry(TimerQueue& queue) : timer(queue) {}
    Machine machine;
    Timer timer;
  };
  template <class Machine>
  using Table = std::map<std::string, Entry<Machine>>;

  std::optional<bool> drive(const std::string& to, Composer::Event event, Now now);
  void on_timer(const std::string& to, Now now);
  void perform(const std::string& from, const ComposingPeer::Actions& actions, Now now);

  account::Context& context_;
  Tell tell_;
  Table<Composer> composers_;
  Table<ComposingPeer> peers_;
};

}  // namespace beckon::client::message
