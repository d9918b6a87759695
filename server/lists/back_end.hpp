#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "protocol/dialog/dialog.hpp"
#include "protocol/event/subscriber.hpp"
#include "protocol/sip/message.hpp"
#include "server/lists/whole.hpp"
#include "server/subscription/follow.hpp"

namespace beckon::server::lists {

/// The types of documents that a back-end subscription of that event package may bring. Empty for a package
/// that lists of other domains are not for.
std::span<const std::string_view> back_end_types(std::string_view package);

/// A back-end subscription (RFC 4662 7.3): one of the server's to a resource of another domain, in the name
/// of a watcher of ours. Says when a SUBSCRIBE goes out, writes it, and keeps what NOTIFYs say. Pure; the
/// caller sends, and calls `on_timer` at `deadline()`.
class BackEnd {
 public:
  /// What it is to. Lists of one watcher that have the same share one.
  struct Topic {
    std::string resource, package, watcher, body_type;
    bool is_secure = false;  ///< The way to the watcher is, so that grants of direct sessions may go there.
    auto operator<=>(const Topic&) const = default;
  };
  /// What is known of the resource, as a `Report` has it.
  struct Seen {
    subscription::Report::State state{};
    std::string_view reason{};
    subscription::Content content{};
    bool is_last = false;  ///< It has ended, and does not come back by itself.
  };
  /// What the caller does next: sends a SUBSCRIBE, if there is one, and reports what is seen, if that has
  /// changed.
  struct Actions {
    std::optional<event::Subscriber::Subscribe> subscribe{};
    bool is_news = false;
  };

  /// Asks for `lifetime` at a time.
  BackEnd(Topic topic, std::chrono::seconds lifetime);

  Actions start(Time now);
  Actions stop(Time now) { return act(machine_.stop(now), now); }
  Actions on_timer(Time now) { return act(machine_.on_timer(now), now); }
  /// The end of the SUBSCRIBE under way; `response` is null where the status is our own.
  Actions on_end(int status, const sip::Message* response, Time now);
  /// Does the NOTIFY belong here?
  bool matches(const sip::Message& notify) const;
  /// Takes one that does. `status` is the answer to it.
  Actions on_notify(const sip::Message& notify, int& status, Time now);

  /// The next SUBSCRIBE makes a new dialog, with these names.
  void begin_dialog(std::string call_id, std::string tag);
  /// The SUBSCRIBE itself. `contact` is a value of Contact.
  std::string make_subscribe(std::uint32_t expires, std::string_view contact);
  /// Where it goes: the first Route of its dialog, or the remote target, or the resource.
  std::string next_hop() const;

  const Topic& topic() const { return topic_; }
  /// Of the dialog; empty before the first.
  const std::string& tag() const { return tag_; }
  /// Absent: nothing is known yet.
  const std::optional<Seen>& seen() const { return seen_; }
  event::Subscriber::State state() const { return machine_.state(); }
  /// It has ended, and not as it was stopped.
  bool was_refused() const { return seen_ && seen_->is_last; }
  std::optional<Time> deadline() const { return machine_.deadline(); }

 private:
  Actions act(const event::Subscriber::Actions& actions, Time now);
  subscription::Content read(const sip::Message& notify, bool& is_gap);

  Topic topic_;
  event::Subscriber machine_;
  std::optional<dialog::Dialog> dialog_;
  std::string call_id_, tag_;
  std::optional<Seen> seen_;
  Whole whole_;                      ///< Where documents tell changes.
  Time next_refresh_ = Time::min();  ///< Before then no gap asks for full state.
};

}  // namespace beckon::server::lists
