#pragma once

#include <string>

#include "protocol/trace/recorder.hpp"

namespace beckon::trace::testing {

/// A clock that stands, and short ways to record.
struct Stage final : Clock {
  Now now() override {
    return {time, WallTime{std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch())}};
  }
  void send(Recorder& recorder, std::string text) { recorder.sent({}, share(std::move(text))); }

  Time time{Duration(1s)};
};

/// The texts of a page, with a blank between two.
inline std::string texts(const Recorder::Page& page) {
  std::string all;
  for (const Entry& entry : page.entries) all += (all.empty() ? "" : " ") + std::string(entry.text);
  return all;
}

inline transaction::Hop hop(transaction::Protocol protocol, std::string_view remote) {
  return {.protocol = protocol, .remote = parse_address(remote).value(), .local = {}, .flow = 0};
}

/// A request as short as it can be read, with LF.
inline std::string request(std::string_view method, std::string_view uri, std::string_view from,
                           std::string_view to, std::string_view call_id, int cseq,
                           std::string_view more = {}) {
  return std::string(method) + " " + std::string(uri) + " SIP/2.0\nFrom: <" + std::string(from) +
         ">;tag=1\nTo: <" + std::string(to) + ">\nCall-ID: " + std::string(call_id) +
         "\nCSeq: " + std::to_string(cseq) + " " + std::string(method) + "\n" + std::string(more) + "\n";
}
inline std::string response(std::string_view status, std::string_view method, std::string_view from,
                            std::string_view to, std::string_view call_id, int cseq) {
  return "SIP/2.0 " + std::string(status) + "\nFrom: <" + std::string(from) + ">;tag=1\nTo: <" +
         std::string(to) + ">;tag=2\nCall-ID: " + std::string(call_id) + "\nCSeq: " + std::to_string(cseq) +
         " " + std::string(method) + "\n\n";
}

}  // namespace beckon::trace::testing
