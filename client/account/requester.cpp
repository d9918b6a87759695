#include "client/account/requester.hpp"

#include <set>

namespace beckon::client::account {

using sip::HeaderId;

namespace {

/// The header that carries a challenge, and the one that answers it.
struct Pair {
  HeaderId challenge;
  HeaderId answer;
};
constexpr Pair pairs[] = {{HeaderId::www_authenticate, HeaderId::authorization},
                          {HeaderId::proxy_authenticate, HeaderId::proxy_authorization}};

/// A server that calls every nonce stale must not make us loop.
constexpr int stale_max = 2;

}  // namespace

struct Requester::Attempt {
  Request request;
  transaction::Hop hop;
  Done done;
  std::set<HeaderId> answered{};  ///< Headers whose challenge to this very request was answered.
  int stale_answers = 0;
};

Requester::Requester(const Account& account, transaction::Layer& layer, Random& random)
    : account_(account), layer_(layer), random_(random) {}

void Requester::send(Request request, const transaction::Hop& hop, Done done, Now now) {
  start(std::make_shared<Attempt>(Attempt{std::move(request), hop, std::move(done)}), now);
}

void Requester::start(const std::shared_ptr<Attempt>& attempt, Now now) {
  const Request& request = attempt->request;
  sip::Builder builder = request.make();
  add_credentials(builder, request);
  std::string text = request.body ? std::move(builder).finish(request.content_type, *request.body)
                                  : std::move(builder).finish();
  layer_.send(
      std::move(text), attempt->hop,
      [this, life = life_.watch(), attempt](const transaction::Outcome& outcome, Now at) {
        if (!life.expired() && !attempt->request.owner.expired()) on_outcome(attempt, outcome, at);
      },
      now);
}

void Requester::on_outcome(const std::shared_ptr<Attempt>& attempt, const transaction::Outcome& outcome,
                           Now now) {
  if (outcome.kind == transaction::Outcome::Kind::provisional) return;
  const bool challenged = outcome.status == 401 || outcome.status == 407;
  if (challenged && outcome.response != nullptr && take_challenges(*outcome.response, *attempt))
    return start(attempt, now);
  attempt->done(outcome.status, outcome.response, now);
}

/// True when there is something new to answer: the first challenge in that header to this request (a nonce
/// kept from an earlier one may be forgotten by a restarted server), or a nonce that has grown stale. A
/// challenge to an answer with its own nonce means that the password is wrong (RFC 7616 3.4.1).
bool Requester::take_challenges(const sip::Message& response, Attempt& attempt) {
  bool worth = false;
  for (const auto& pair : pairs) {
    std::vector<std::string_view> values;
    for (const auto& line : response.headers()) {
      if (line.id == pair.challenge) values.push_back(line.value);
    }
    const auto challenge = auth::choose(values);
    if (!challenge) continue;
    const bool first = attempt.answered.insert(pair.answer).second;
    worth |= first || (challenge->stale && attempt.stale_answers++ < stale_max);
    sessions_[pair.answer] = Session{*challenge, 0};
  }
  return worth;
}

void Requester::add_credentials(sip::Builder& builder, const Request& request) {
  for (auto& [header, session] : sessions_) {
    const std::string cnonce = random_.token(8);
    builder.add(header,
                auth::answer(session.challenge, {.user = account_.user,
                                                 .password = account_.password,
                                                 .method = sip::to_string(request.method),
                                                 .uri = request.uri,
                                                 .body = request.body ? std::string_view(*request.body) : "",
                                                 .cnonce = cnonce,
                                                 .count = ++session.count}));
  }
}

}  // namespace beckon::client::account
