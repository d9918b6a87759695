#include "client/xcap/watch_log.hpp"

#include "protocol/xcap/usage.hpp"

namespace beckon::client::xcap {

WatchLog::WatchLog(const account::Account& account, std::string_view root, Http& http, Random& random)
    : path_(Requester::path_of(account, beckon::xcap::watch_log_auid, root)),
      requester_(account, http, random) {}

void WatchLog::read(Done done) {
  requester_.send({.method = beckon::xcap::Method::get, .target = path_, .headers = {}, .body = {}},
                  [done = std::move(done)](const Result<beckon::xcap::Response>& response, Now now) {
                    if (!response)
                      return done(Requester::status_of(response.error()), response.error().message(), {},
                                  now);
                    const int status = static_cast<int>(response->status);
                    if (status != 200) return done(status, "reading what was shown", {}, now);
                    const auto log = documents::parse_watch_log(response->body, {.size = Http::answer_max});
                    if (!log) return done(500, "what was shown cannot be read", {}, now);
                    done(status, {}, *log, now);
                  });
}

}  // namespace beckon::client::xcap
