#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "client/account/account.hpp"
#include "client/account/requester.hpp"
#include "client/xcap/http.hpp"
#include "protocol/auth/digest.hpp"
#include "protocol/base/random.hpp"

namespace beckon::client::xcap {

/// Requests for documents in the account's tree, with credentials; a challenge is answered once.
class Requester {
 public:
  /// An error where the server was not reached. Not called once this is destroyed.
  using Done = std::function<void(const Result<beckon::xcap::Response>& response, Now now)>;

  /// `account` outlives it.
  Requester(const account::Account& account, Http& http, Random& random)
      : account_(account), http_(http), random_(random) {}

  /// The path of a document of the account; `root` is the path of the XCAP root, e.g. "/xcap".
  static std::string path_of(const account::Account& account, std::string_view auid, std::string_view root);
  /// The status that stands for an error: 0 where the server was not reached, `control::unproven` where its
  /// certificate is not trusted.
  static int status_of(const ErrorCode& error);
  void send(beckon::xcap::Request request, Done done) { send(std::move(request), std::move(done), false); }

  /// `status` is HTTP's, or `status_of` an error, or 500 where a 200 cannot be read; `value` is empty unless
  /// it is 200.
  template <class Value>
  using Read = std::function<void(int status, const std::string& reason, const Value& value, Now now)>;
  /// GETs what is at `target`; `what` is its name in a reason ("the history"). `parse` reads the body of a
  /// 200: a pointer-like value, false for one that cannot be read.
  template <class Value, class Parse>
  void read(std::string target, std::string what, Parse parse, Read<Value> done) {
    send({.method = beckon::xcap::Method::get, .target = std::move(target), .headers = {}, .body = {}},
         [what = std::move(what), parse = std::move(parse), done = std::move(done)](
             const Result<beckon::xcap::Response>& response, Now now) {
           if (!response) return done(status_of(response.error()), response.error().message(), {}, now);
           const int status = static_cast<int>(response->status);
           if (status != 200) return done(status, "reading " + what, {}, now);
           const auto value = parse(std::string_view(response->body));
           value ? done(status, {}, *value, now) : done(500, what + " cannot be read", {}, now);
         });
  }

 private:
  void send(beckon::xcap::Request request, Done done, bool again);
  std::string authorization(const beckon::xcap::Request& request);

  const account::Account& account_;
  Http& http_;
  Random& random_;
  std::optional<auth::Challenge> challenge_;
  std::uint32_t count_ = 0;
  account::Life life_;
};

}  // namespace beckon::client::xcap
