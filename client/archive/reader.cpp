#include "client/archive/reader.hpp"

#include "protocol/xcap/target.hpp"

namespace beckon::client::archive {

using beckon::xcap::Method;
using xcap::Requester;

namespace {

std::vector<std::pair<std::string, std::string>> query_of(const Reader::Selection& selection) {
  std::vector<std::pair<std::string, std::string>> query;
  for (const auto& [name, value] :
       {std::pair{"with", &selection.with}, std::pair{"number", &selection.number},
        std::pair{"before", &selection.before}, std::pair{"since", &selection.since},
        std::pair{"limit", &selection.limit}})
    if (!value->empty()) query.emplace_back(name, *value);
  return query;
}

}  // namespace

Reader::Reader(const account::Account& account, std::string_view xcap_root, xcap::Http& http, Random& random)
    : user_(account.aor),
      root_(std::string(xcap_root.substr(0, xcap_root.rfind('/'))) + "/history"),
      requester_(account, http, random) {}

void Reader::page(const Selection& selection, Done done) {
  send(Method::get, query_of(selection), std::move(done));
}

void Reader::changes(std::uint64_t after, Done done) {
  send(Method::get, {{"after", std::to_string(after)}}, std::move(done));
}

void Reader::set_displayed(const Selection& selection, Done done) {
  Query query = query_of(selection);
  query.emplace_back("state", to_string(documents::MessageState::displayed));
  send(Method::put, std::move(query), std::move(done));
}

void Reader::erase(const Selection& selection, Done done) {
  send(Method::del, query_of(selection), std::move(done));
}

void Reader::keep(bool is_kept, Done done) {
  send(Method::put, {{"keep", is_kept ? "yes" : "no"}}, std::move(done));
}

void Reader::send(Method method, Query query, Done done) {
  const beckon::xcap::UserTarget user{.user = user_, .query = std::move(query)};
  std::string target = beckon::xcap::print(user, root_);
  if (method == Method::get) {
    const auto parse = [](std::string_view body) { return documents::parse_message_archive(body); };
    return requester_.read<documents::MessageArchive>(std::move(target), "the history", parse,
                                                      std::move(done));
  }
  requester_.send({.method = method, .target = std::move(target), .headers = {}, .body = {}},
                  [done = std::move(done)](const Result<beckon::xcap::Response>& response, Now now) {
                    if (!response)
                      return done(Requester::status_of(response.error()), response.error().message(), {},
                                  now);
                    done(static_cast<int>(response->status), {}, {}, now);
                  });
}

}  // namespace beckon::client::archive
