-- A store of revision 0009, as it was before the first release. The made-up API key “backend”: tsk_Tzp2CkP0zipCvRIlWWPJcWcEJWlhXnEK0Eeq2N
BEGIN TRANSACTION;
CREATE TABLE accounts (
	username VARCHAR(255) NOT NULL, 
	password_hash VARCHAR(255) NOT NULL, 
	groups TEXT NOT NULL, 
	PRIMARY KEY (username)
);
INSERT INTO "accounts" VALUES('ada','scrypt:32768:8:1$u86t9IpbSaGlT6fV$17e0af2ad4d1240b24203b79b513fb6f5d6a95e34814a75ecbbbf14a577cdd95e734f100a2c2e1136a05a32c20ee176de69ac6f95e6aae2d81a5555f979afbdb','');
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0009');
CREATE TABLE api_keys (
	name VARCHAR(64) NOT NULL, 
	key_hash VARCHAR(64) NOT NULL, 
	created_at BIGINT NOT NULL, profiles TEXT, 
	PRIMARY KEY (name), 
	UNIQUE (key_hash)
);
INSERT INTO "api_keys" VALUES('backend','5111488ddbac5ea14eb0ab09221f086d0769a42d1c6f870a3122778137d13437',1795840955509274,'default');
CREATE TABLE blocks (
	"key" VARCHAR(800) NOT NULL, 
	until BIGINT, 
	at BIGINT NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "blocks" VALUES('["profile", "closed"]',NULL,1795840956381799);
CREATE TABLE charges (
	id INTEGER NOT NULL, 
	reservation_id VARCHAR(32) NOT NULL, 
	"key" VARCHAR(64) NOT NULL, 
	at BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "charges" VALUES(1,'53a79d5e6e22dfdf99e5968072081f3b','e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444',1795840956505309);
INSERT INTO "charges" VALUES(2,'93bd20c881a75f85f15a98381c618047','e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444',1795840956517704);
INSERT INTO "charges" VALUES(3,'140bead9587a508c3090f84c0a839e3a','fdf6e30daf934dfb28eb798a1a4978021d8f6dfa597629ac6d5710b6405e8d7f',1795840956522501);
INSERT INTO "charges" VALUES(4,'15796a46d05f6d3d1a534d344e4cf534','41c7891033f90dbb5a5ad1a8fa04eb9e86c1c1d6f1b5efe21ce57a03ae420611',1795840956532541);
INSERT INTO "charges" VALUES(6,'33fc2dd07565c4935096f4b56e1cb53c','05c6b65b3f961c23ad1d2750b5126cf7bacef04d4be8408f57fde73b4b3dda39',1795840956554236);
INSERT INTO "charges" VALUES(7,'daa12431be6a8e185c79e2afa8f20587','580c247bec97c53afa309a6840f0afe0976a9c816f439ad82176a010b0734870',1795840956576162);
CREATE TABLE events (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at BIGINT NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	reservation_id VARCHAR(32), 
	lease_id VARCHAR(32) NOT NULL, 
	request_id VARCHAR(64) NOT NULL, 
	principal_kind VARCHAR(16) NOT NULL, 
	issuer VARCHAR(255) NOT NULL, 
	subject VARCHAR(255) NOT NULL, 
	address VARCHAR(64) NOT NULL, 
	profile VARCHAR(64) NOT NULL, 
	model VARCHAR(128), 
	renewal INTEGER, 
	seconds INTEGER, 
	fingerprint VARCHAR(64), 
	expires_at BIGINT, 
	code VARCHAR(64)
, details TEXT);
INSERT INTO "events" VALUES(1,1795840956505309,'reserved','53a79d5e6e22dfdf99e5968072081f3b','1ae45c751fb2156a7560ce135a56917d','9ac95c9a322177b8c6d9f1ca9e8815a9','guest','guest','JxKD7H4AakmzttrmNr-jrw','127.0.0.1','default','models/gemini-3.8-live',0,300,NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES(2,1795840956514762,'granted','53a79d5e6e22dfdf99e5968072081f3b','1ae45c751fb2156a7560ce135a56917d','9ac95c9a322177b8c6d9f1ca9e8815a9','guest','guest','JxKD7H4AakmzttrmNr-jrw','127.0.0.1','default','models/gemini-3.8-live',0,300,'7f3dc4d7c71769ccfd22c5492ced06b2167fa3dfdb1888d9b69a36df45cd3c6a',1795841256000000,NULL,NULL);
INSERT INTO "events" VALUES(3,1795840956517704,'reserved','93bd20c881a75f85f15a98381c618047','d3318c4cd5a09b3a5572649f98a5ab69','da929f5a972c27098b4559c22c9c6397','guest','guest','F3F2Hh-e2GQYLFJEQ_TJ-w','127.0.0.1','default','models/gemini-3.8-live',0,300,NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES(4,1795840956518352,'granted','93bd20c881a75f85f15a98381c618047','d3318c4cd5a09b3a5572649f98a5ab69','da929f5a972c27098b4559c22c9c6397','guest','guest','F3F2Hh-e2GQYLFJEQ_TJ-w','127.0.0.1','default','models/gemini-3.8-live',0,300,'e34fffbead9b5d86800404282efa1ff67dda989bf5192784a344556ec229f204',1795841256000000,NULL,NULL);
INSERT INTO "events" VALUES(5,1795840956522501,'reserved','140bead9587a508c3090f84c0a839e3a','78ffdb13daa474b691d9351d3c64a00c','85a09653e4b4a838288d559977996b5e','user','https://shop.test/','ada','127.0.0.1','default','models/gemini-3.8-live',0,300,NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES(6,1795840956529634,'granted','140bead9587a508c3090f84c0a839e3a','78ffdb13daa474b691d9351d3c64a00c','85a09653e4b4a838288d559977996b5e','user','https://shop.test/','ada','127.0.0.1','default','models/gemini-3.8-live',0,300,'d21fbdfb113909803a6f68bfb0fbb0ee3b3b9d5037293e28ce77ac8f4521dd3d',1795841256000000,NULL,NULL);
INSERT INTO "events" VALUES(7,1795840956532541,'reserved','15796a46d05f6d3d1a534d344e4cf534','78ffdb13daa474b691d9351d3c64a00c','dbd23e60f7c68d68671b2d2c40b6a6fd','user','https://shop.test/','ada','127.0.0.1','default','models/gemini-3.8-live',1,1,NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES(8,1795840956533633,'granted','15796a46d05f6d3d1a534d344e4cf534','78ffdb13daa474b691d9351d3c64a00c','dbd23e60f7c68d68671b2d2c40b6a6fd','user','https://shop.test/','ada','127.0.0.1','default','models/gemini-3.8-live',1,1,'b6baea653845f56c1b3caecf82bb9a11c19b1a9288d270aed02cb0de2817553f',1795841256000000,NULL,NULL);
INSERT INTO "events" VALUES(9,1795840956538808,'called','e4011c7cbe7cf2f6b14a9160ce076618','78ffdb13daa474b691d9351d3c64a00c','2aa7771490c835e6dcfadf0696d1cdc2','user','https://shop.test/','ada','127.0.0.1','default',NULL,NULL,NULL,'e6eac0c2cec5969dd6a938aa1a8675686933a82c6eccda26dfbe259b6994f46d',NULL,'find_order','{"number":"17"}');
INSERT INTO "events" VALUES(10,1795840956542602,'returned','e4011c7cbe7cf2f6b14a9160ce076618','78ffdb13daa474b691d9351d3c64a00c','2aa7771490c835e6dcfadf0696d1cdc2','user','https://shop.test/','ada','127.0.0.1','default',NULL,NULL,NULL,'e6eac0c2cec5969dd6a938aa1a8675686933a82c6eccda26dfbe259b6994f46d',NULL,'done',NULL);
INSERT INTO "events" VALUES(11,1795840956545403,'reserved','e189e701fc28437ce5069f959cc37a19','4cfe319576edc713f250b83af68df06e','41c089e75fbfe4342def17244d8f2974','user','https://shop.test/','erased:63ea48076dde6a4c1743391b057f9c82','erased','default','models/gemini-3.8-live',0,300,NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES(12,1795840956546123,'granted','e189e701fc28437ce5069f959cc37a19','4cfe319576edc713f250b83af68df06e','41c089e75fbfe4342def17244d8f2974','user','https://shop.test/','erased:63ea48076dde6a4c1743391b057f9c82','erased','default','models/gemini-3.8-live',0,300,'9bf68811ed945fd92153730972d151029c735c3fb8676e0f3a9a47dc0c604e11',1795841256000000,NULL,NULL);
INSERT INTO "events" VALUES(13,1795840956548461,'ended',NULL,'4cfe319576edc713f250b83af68df06e','b9d7c10d6d6fe5107758304f48c2bd4d','user','https://shop.test/','erased:63ea48076dde6a4c1743391b057f9c82','erased','default',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES(14,1795840956554236,'reserved','33fc2dd07565c4935096f4b56e1cb53c','2bfb88b581139f2f1c72cd4cbea9afe7','1139c809a5aae73c8acc639ccfe594b6','key','key:backend','backend','127.0.0.1','default','models/gemini-3.8-live',0,300,NULL,NULL,NULL,NULL);
INSERT INTO "events" VALUES(15,1795840956555255,'granted','33fc2dd07565c4935096f4b56e1cb53c','2bfb88b581139f2f1c72cd4cbea9afe7','1139c809a5aae73c8acc639ccfe594b6','key','key:backend','backend','127.0.0.1','default','models/gemini-3.8-live',0,300,'fbf2e2cfdbdadafabd8f8f4a35fea1b955eacabc8039825c10e93ad73b5cced6',1795841256000000,NULL,NULL);
INSERT INTO "events" VALUES(16,1795840957488181,'erased',NULL,'','','user','https://shop.test/','erased:63ea48076dde6a4c1743391b057f9c82','erased','',NULL,NULL,NULL,NULL,NULL,NULL,'{"events": 3, "conversations": 0, "days of spending": 1, "reports of usage": 1, "counts of refusals": 0, "accounts": 0}');
CREATE TABLE leases (
	id VARCHAR(32) NOT NULL, 
	holder VARCHAR(64) NOT NULL, 
	token_id VARCHAR(32) NOT NULL, 
	token_end BIGINT NOT NULL, 
	charged_until BIGINT NOT NULL, 
	granted_at BIGINT NOT NULL, 
	handle VARCHAR(64), 
	drawn_until BIGINT NOT NULL, 
	fresh_at BIGINT NOT NULL, 
	deadline BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "leases" VALUES('1ae45c751fb2156a7560ce135a56917d','e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444','53a79d5e6e22dfdf99e5968072081f3b',1795841256505309,1795841256505309,1795840956505309,NULL,1795840956505309,1795840966505309,1795842756504861);
INSERT INTO "leases" VALUES('d3318c4cd5a09b3a5572649f98a5ab69','e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444','93bd20c881a75f85f15a98381c618047',1795841256517704,1795841256517704,1795840956517704,NULL,1795840956517704,1795840966517704,1795842756517452);
INSERT INTO "leases" VALUES('78ffdb13daa474b691d9351d3c64a00c','fdf6e30daf934dfb28eb798a1a4978021d8f6dfa597629ac6d5710b6405e8d7f','15796a46d05f6d3d1a534d344e4cf534',1795841256532541,1795841257522501,1795840956532541,'5a3cc72ce59a1b7eaaac7054a8a2d7592869e4b65ae2d491fc369f863604cb15',1795841256522501,1795840966522501,1795842756522156);
INSERT INTO "leases" VALUES('2bfb88b581139f2f1c72cd4cbea9afe7','05c6b65b3f961c23ad1d2750b5126cf7bacef04d4be8408f57fde73b4b3dda39','33fc2dd07565c4935096f4b56e1cb53c',1795841256554236,1795841256554236,1795840956554236,NULL,1795840956554236,1795840966554236,1795842756554123);
CREATE TABLE logins (
	cookie_hash VARCHAR(64) NOT NULL, 
	login_id VARCHAR(32) NOT NULL, 
	username VARCHAR(255) NOT NULL, 
	expires_at BIGINT NOT NULL, 
	ends_at BIGINT NOT NULL, 
	replaced_at BIGINT, 
	PRIMARY KEY (cookie_hash)
);
INSERT INTO "logins" VALUES('511e6adc1f90db58917fa70dfb01efc776d9f3a3fc81cbae8b51613713e10128','f11f3a302e3e46199fdab78a7fae64b9','ada',1796445756662616,1798432956662616,NULL);
CREATE TABLE probes (
	content BLOB NOT NULL
);
INSERT INTO "probes" VALUES(X'00');
CREATE TABLE refusals (
	id INTEGER NOT NULL, 
	minute BIGINT NOT NULL, 
	code VARCHAR(64) NOT NULL, 
	issuer VARCHAR(255) NOT NULL, 
	subject VARCHAR(255) NOT NULL, 
	address VARCHAR(64) NOT NULL, 
	profile VARCHAR(64) NOT NULL, 
	count INTEGER NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "refusals" VALUES(1,1795840920000000,'blocked','guest','jc2ejVQjUgto1pwcxNxmlQ','127.0.0.1','closed',1);
CREATE TABLE spending (
	"key" VARCHAR(64) NOT NULL, 
	day INTEGER NOT NULL, 
	seconds BIGINT NOT NULL, 
	PRIMARY KEY ("key", day)
);
INSERT INTO "spending" VALUES('e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444',20785,600);
INSERT INTO "spending" VALUES('fdf6e30daf934dfb28eb798a1a4978021d8f6dfa597629ac6d5710b6405e8d7f',20785,301);
INSERT INTO "spending" VALUES('erased:63ea48076dde6a4c1743391b057f9c82',20785,300);
INSERT INTO "spending" VALUES('05c6b65b3f961c23ad1d2750b5126cf7bacef04d4be8408f57fde73b4b3dda39',20785,300);
CREATE TABLE tokens (
	id VARCHAR(32) NOT NULL, 
	lease_id VARCHAR(32) NOT NULL, 
	expires_at BIGINT NOT NULL, 
	place_of VARCHAR(64), 
	counted_for VARCHAR(64), 
	counted_until BIGINT NOT NULL, opens_until BIGINT, undo TEXT, 
	PRIMARY KEY (id)
);
INSERT INTO "tokens" VALUES('53a79d5e6e22dfdf99e5968072081f3b','1ae45c751fb2156a7560ce135a56917d',1795841256505309,'e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444','e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444',1795841256505309,NULL,NULL);
INSERT INTO "tokens" VALUES('93bd20c881a75f85f15a98381c618047','d3318c4cd5a09b3a5572649f98a5ab69',1795841256517704,'e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444','e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444',1795841256517704,NULL,NULL);
INSERT INTO "tokens" VALUES('140bead9587a508c3090f84c0a839e3a','78ffdb13daa474b691d9351d3c64a00c',1795841256522501,NULL,NULL,1795841256522501,NULL,NULL);
INSERT INTO "tokens" VALUES('15796a46d05f6d3d1a534d344e4cf534','78ffdb13daa474b691d9351d3c64a00c',1795841256532541,'fdf6e30daf934dfb28eb798a1a4978021d8f6dfa597629ac6d5710b6405e8d7f','fdf6e30daf934dfb28eb798a1a4978021d8f6dfa597629ac6d5710b6405e8d7f',1795841257522501,NULL,NULL);
INSERT INTO "tokens" VALUES('e189e701fc28437ce5069f959cc37a19','4cfe319576edc713f250b83af68df06e',1795841256545403,NULL,NULL,1795841256545403,NULL,NULL);
INSERT INTO "tokens" VALUES('33fc2dd07565c4935096f4b56e1cb53c','2bfb88b581139f2f1c72cd4cbea9afe7',1795841256554236,'05c6b65b3f961c23ad1d2750b5126cf7bacef04d4be8408f57fde73b4b3dda39','05c6b65b3f961c23ad1d2750b5126cf7bacef04d4be8408f57fde73b4b3dda39',1795841256554236,NULL,NULL);
CREATE TABLE tool_calls (
	id VARCHAR(64) NOT NULL, 
	lease_id VARCHAR(32) NOT NULL, 
	tool VARCHAR(64) NOT NULL, 
	"key" VARCHAR(64), 
	at BIGINT NOT NULL, 
	ends_by BIGINT NOT NULL, 
	cancelled INTEGER NOT NULL, 
	pending VARCHAR(64), 
	prepared TEXT, 
	answer TEXT, 
	deadline BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "tool_calls" VALUES('e4011c7cbe7cf2f6b14a9160ce076618eef66ac5231cba08eaf53229c9cc2b03','78ffdb13daa474b691d9351d3c64a00c','find_order',NULL,1795840956538808,1795840966538808,0,NULL,NULL,'{"output": {"number": "17", "state": "on its way"}}',1795842756000000);
CREATE TABLE usage (
	lease_id VARCHAR(32) NOT NULL, 
	started_at BIGINT NOT NULL, 
	issuer VARCHAR(255) NOT NULL, 
	subject VARCHAR(255) NOT NULL, 
	profile VARCHAR(64) NOT NULL, 
	model VARCHAR(128) NOT NULL, 
	seconds INTEGER NOT NULL, 
	tokens TEXT NOT NULL, 
	ended VARCHAR(32), 
	rating VARCHAR(8), 
	PRIMARY KEY (lease_id)
);
INSERT INTO "usage" VALUES('78ffdb13daa474b691d9351d3c64a00c',1795840956000000,'https://shop.test/','ada','default','models/gemini-3.8-live',20,'{"prompt.AUDIO": 700, "response.AUDIO": 500}','idle',NULL);
INSERT INTO "usage" VALUES('4cfe319576edc713f250b83af68df06e',1795840956000000,'https://shop.test/','erased:63ea48076dde6a4c1743391b057f9c82','default','models/gemini-3.8-live',20,'{"prompt.AUDIO": 700, "response.AUDIO": 500}','idle','good');
CREATE INDEX events_by_time ON events (at);
CREATE INDEX events_by_subject ON events (issuer, subject, at);
CREATE INDEX charges_by_key ON charges ("key", at);
CREATE INDEX charges_by_time ON charges (at);
CREATE INDEX logins_by_login ON logins (login_id);
CREATE INDEX logins_by_username ON logins (username);
CREATE INDEX logins_by_expiry ON logins (expires_at);
CREATE INDEX leases_by_deadline ON leases (deadline);
CREATE INDEX tokens_by_lease ON tokens (lease_id, expires_at);
CREATE INDEX tokens_by_holder ON tokens (counted_for, counted_until);
CREATE INDEX tokens_by_time ON tokens (expires_at);
CREATE INDEX tokens_by_opening ON tokens (opens_until) WHERE opens_until IS NOT NULL;
CREATE INDEX tool_calls_by_lease ON tool_calls (lease_id, tool, at);
CREATE INDEX tool_calls_by_deadline ON tool_calls (deadline);
CREATE INDEX usage_by_start ON usage (started_at);
CREATE INDEX refusals_by_time ON refusals (minute);
CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events WHEN (NEW.subject GLOB 'erased:[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]' AND OLD.subject NOT GLOB 'erased:[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]' AND 
    NEW.address = 'erased' AND NEW.details IS NULL
    AND (NEW.fingerprint IS OLD.fingerprint
         OR NEW.fingerprint IS NULL AND OLD.kind IN ('asked', 'called', 'returned'))
 AND NEW.id IS OLD.id AND NEW.at IS OLD.at AND NEW.kind IS OLD.kind AND NEW.reservation_id IS OLD.reservation_id AND NEW.lease_id IS OLD.lease_id AND NEW.request_id IS OLD.request_id AND NEW.principal_kind IS OLD.principal_kind AND NEW.issuer IS OLD.issuer AND NEW.profile IS OLD.profile AND NEW.model IS OLD.model AND NEW.renewal IS OLD.renewal AND NEW.seconds IS OLD.seconds AND NEW.expires_at IS OLD.expires_at AND NEW.code IS OLD.code) IS NOT TRUE BEGIN SELECT RAISE(ABORT, 'events are appended, never changed'); END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('events',16);
COMMIT;
