#include "client/account/requester.hpp"

#include <algorithm>
#include <set>
#include <vector>

#include "client/control/cause.hpp"
#include "protocol/base/text.hpp"

namespace beckon::client::account {

using sip::HeaderId;

namespace {

/// Status of a 2xx with a wrong proof. The transaction layer never generates it.
constexpr int bad_proof = 502;

/// The header that carries a challenge, and the one that answers it.
struct Pair {
  HeaderId challenge;
  HeaderId answer;
};
constexpr Pair pairs[] = {{HeaderId::www_authenticate, HeaderId::authorization},
                          {HeaderId::proxy_authenticate, HeaderId::proxy_authorization}};

/// Octets of "Proxy-Authorization: " and the line end, and of the credentials for a server that has not asked
/// yet.
constexpr std::size_t header_size = 23, unknown_credentials = 480;

/// Ends the loop with a server that calls every nonce stale.
constexpr int stale_max = 2;

}  // namespace

struct Requester::Attempt {
  Request request;
  transaction::Hop hop;
  Done done;
  std::set<Place> answered{};  ///< Challenges to this very request that were answered.
  int stale_answers = 0;
  std::map<Place, auth::Credentials> sent{};  ///< With the newest attempt.
  unsigned number = 0;                        ///< Of attempts.
};

Requester::Requester(const Account& account, transaction::Layer& layer, Random& random)
    : account_(account), layer_(layer), random_(random) {}

int Requester::status_of(int status, const sip::Message* response) {
  if (response != nullptr) return status;
  return status == bad_proof ? control::unproven : 0;
}

std::string_view Requester::reason_of(int status, const sip::Message* response) {
  return response != nullptr ? response->reason() : control::reason_of(status_of(status, response));
}

void Requester::send(Request request, const transaction::Hop& hop, Done done, Now now) {
  start(std::make_shared<Attempt>(Attempt{std::move(request), hop, std::move(done)}), now);
}

void Requester::start(const std::shared_ptr<Attempt>& attempt, Now now) {
  const Request& request = attempt->request;
  sip::Builder builder = request.make();
  add_credentials(builder, *attempt);
  std::string text = request.body ? std::move(builder).finish(request.content_type, *request.body)
                                  : std::move(builder).finish();
  const unsigned number = ++attempt->number;
  const auto id = layer_.send(
      std::move(text), attempt->hop,
      [this, life = life_.watch(), attempt](const transaction::Outcome& outcome, Now at) {
        if (!life.expired() && !attempt->request.owner.expired()) on_outcome(attempt, outcome, at);
      },
      now);
  // It may have ended already, and another attempt may have followed.
  if (attempt->number == number && request.on_sent && !request.owner.expired()) request.on_sent(id);
}

void Requester::on_outcome(const std::shared_ptr<Attempt>& attempt, const transaction::Outcome& outcome,
                           Now now) {
  if (outcome.kind == transaction::Outcome::Kind::provisional) {
    if (attempt->request.on_provisional) attempt->request.on_provisional(*outcome.response, now);
    return;
  }
  why_ = outcome.error;
  const bool challenged = outcome.status == 401 || outcome.status == 407;
  if (challenged && outcome.response != nullptr && take_challenges(*outcome.response, *attempt))
    return start(attempt, now);
  if (outcome.response != nullptr && outcome.status / 100 == 2 && !take_proofs(*outcome.response, *attempt))
    return attempt->done(bad_proof, nullptr, now);
  attempt->done(outcome.status, outcome.response, now);
}

/// True if another attempt makes sense: this request meets its first challenge in that header (a restarted
/// server may have forgotten the nonce of an earlier request), or the nonce is stale. A challenge to
/// credentials with its own nonce means that the password is wrong (RFC 7616 3.4.1).
bool Requester::take_challenges(const sip::Message& response, Attempt& attempt) {
  bool is_new = false;
  for (const auto& pair : pairs) {
    std::vector<std::string_view> values;
    for (const auto& line : response.headers()) {
      if (line.id == pair.challenge) values.push_back(line.value);
    }
    for (auto& challenge : auth::choose_each(values)) {
      const Place place{pair.answer, to_lower(challenge.realm)};
      if (!is_ours(place.second, attempt.request.method)) continue;
      const bool first = attempt.answered.size() < sessions_max && attempt.answered.insert(place).second;
      is_new |= first || (challenge.stale && attempt.stale_answers++ < stale_max);
      keep(place, std::move(challenge));
    }
  }
  return is_new;
}

/// The realm that was challenged longest ago leaves for a new one.
void Requester::keep(const Place& place, auth::Challenge challenge) {
  if (!sessions_.contains(place) && sessions_.size() >= sessions_max) {
    sessions_.erase(
        std::ranges::min_element(sessions_, {}, [](const auto& entry) { return entry.second.age; }));
  }
  sessions_[place] = Session{std::move(challenge), random_.token(8), 0, ++challenges_};
}

bool Requester::is_ours(const std::string& realm, sip::Method method) {
  if (iequals(realm, account_.domain)) return true;
  if (method == sip::Method::register_) registrar_realm_ = realm;
  return realm == registrar_realm_;
}

void Requester::add_credentials(sip::Builder& builder, Attempt& attempt) {
  const Request& request = attempt.request;
  attempt.sent.clear();
  std::size_t size = 0;
  for (auto& [place, session] : sessions_) {
    const auto body = request.body ? std::string_view(*request.body) : std::string_view{};
    auto credentials = auth::make_credentials(session.challenge, {.user = account_.user,
                                                                  .password = account_.password,
                                                                  .method = sip::to_string(request.method),
                                                                  .uri = request.uri,
                                                                  .body = body,
                                                                  .cnonce = session.cnonce,
                                                                  .count = ++session.count});
    const std::string value = auth::print(credentials);
    size += value.size() + header_size - request.uri.size();
    builder.add(place.first, value);
    attempt.sent.emplace(place, std::move(credentials));
  }
  credentials_size_ = std::max(credentials_size_, size);
}

std::size_t Requester::credentials_size(std::string_view uri) const {
  return (sessions_.empty() ? unknown_credentials : credentials_size_) + sessions_.size() * uri.size();
}

/// False if an answer carries a wrong proof that it knows the password (RFC 7616 3.5). A proof that cannot be
/// read counts as absent.
bool Requester::take_proofs(const sip::Message& response, const Attempt& attempt) {
  const std::pair<HeaderId, std::string_view> infos[] = {
      {HeaderId::authorization, response.header(HeaderId::authentication_info)},
      {HeaderId::proxy_authorization, response.header("Proxy-Authentication-Info")}};
  for (const auto& [header, value] : infos) {
    if (value.empty()) continue;
    const auto info = auth::parse_info(value);
    if (info && take_proof(*info, header, response.body(), attempt) == auth::Proof::wrong) return false;
  }
  return true;
}

auth::Proof Requester::take_proof(const auth::Info& info, HeaderId header, std::string_view body,
                                  const Attempt& attempt) {
  auto proof = info.proof.empty() ? auth::Proof::absent : auth::Proof::wrong;
  for (const auto& [place, sent] : attempt.sent) {
    const bool matches = place.first == header && (info.cnonce.empty() || info.cnonce == sent.cnonce);
    if (!matches) continue;
    const auto ha1 = auth::ha1(sent.algorithm, account_.user, sent.realm, account_.password);
    proof = auth::check(info, sent, ha1, body);
    const auto session = sessions_.find(place);
    const bool current = session != sessions_.end() && session->second.challenge.nonce == sent.nonce;
    if (proof == auth::Proof::wrong || info.next_nonce.empty() || !current) return proof;
    session->second.challenge.nonce = info.next_nonce;
    session->second.cnonce = random_.token(8);
    session->second.count = 0;
    return proof;
  }
  return proof;
}

}  // namespace beckon::client::account
