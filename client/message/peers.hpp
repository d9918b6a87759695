#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "protocol/base/result.hpp"
#include "protocol/base/time.hpp"

namespace beckon::client::message {

/// How the peers of an account take messages, as their answers and their own messages have shown. It is kept
/// over restarts, bounded, and believed for a while only: peers get new programs.
class Peers {
 public:
  /// How a text is sent.
  enum class Form {
    unknown,
    plain,  ///< 415 was the answer to message/cpim.
    cpim,   ///< The peer has sent message/cpim.
  };
  static constexpr std::size_t peers_max = 1000;
  static constexpr auto believed_for = std::chrono::days(30);

  Form form_of(const std::string& peer, WallTime now) const;
  bool takes_receipts(const std::string& peer, WallTime now) const;
  bool takes_typing(const std::string& peer, WallTime now) const;

  // True where something is new: to be stored.
  bool set_form(const std::string& peer, Form form, WallTime now);
  bool refuse_receipts(const std::string& peer, WallTime now);
  bool refuse_typing(const std::string& peer, WallTime now);

  /// One JSON object, and back. What cannot be read is left out: it is learned again.
  std::string print() const;
  static Peers parse(std::string_view text);

 private:
  struct Entry {
    Form form = Form::unknown;
    bool refuses_receipts = false;
    bool refuses_typing = false;
    WallTime since{};  ///< When the newest of them was learned.
    bool operator==(const Entry&) const = default;
  };
  const Entry* find(const std::string& peer, WallTime now) const;
  template <class T>
  bool learn(const std::string& peer, T Entry::* what, T value, WallTime now);
  void make_room();

  std::map<std::string, Entry> entries_;
};

}  // namespace beckon::client::message
