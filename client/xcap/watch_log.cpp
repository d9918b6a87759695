#include "client/xcap/watch_log.hpp"

#include "protocol/xcap/usage.hpp"

namespace beckon::client::xcap {

WatchLog::WatchLog(const account::Account& account, std::string_view root, Http& http, Random& random)
    : path_(Requester::path_of(account, beckon::xcap::watch_log_auid, root)),
      requester_(account, http, random) {}

void WatchLog::read(Done done) {
  const auto parse = [](std::string_view body) {
    return documents::parse_watch_log(body, {.size = Http::answer_max});
  };
  requester_.read<documents::WatchLog>(path_, "what was shown", parse, std::move(done));
}

}  // namespace beckon::client::xcap
