-- A store of revision 0009, as it was before the first release. The made-up API key “backend”: tsk_HwWxpQjooDnsKouY08LAa2Jp2sJVvsRd27ciwt
CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$ BEGIN IF NEW.subject ~ '^erased:[0-9a-f]{32}$' AND OLD.subject !~ '^erased:[0-9a-f]{32}$' AND 
    NEW.address = 'erased' AND NEW.details IS NULL
    AND (NEW.fingerprint IS NOT DISTINCT FROM OLD.fingerprint
         OR NEW.fingerprint IS NULL AND OLD.kind IN ('asked', 'called', 'returned'))
 AND to_jsonb(NEW) - ARRAY['subject', 'address', 'details', 'fingerprint'] = to_jsonb(OLD) - ARRAY['subject', 'address', 'details', 'fingerprint'] THEN RETURN NEW; END IF; RAISE EXCEPTION 'events are appended, never changed'; END $_$;
CREATE TABLE public.accounts (
    username character varying(255) NOT NULL,
    password_hash character varying(255) NOT NULL,
    groups text NOT NULL
);
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.api_keys (
    name character varying(64) NOT NULL,
    key_hash character varying(64) NOT NULL,
    created_at bigint NOT NULL,
    profiles text
);
CREATE TABLE public.blocks (
    key character varying(800) NOT NULL,
    until bigint,
    at bigint NOT NULL
);
CREATE TABLE public.charges (
    id bigint NOT NULL,
    reservation_id character varying(32) NOT NULL,
    key character varying(64) NOT NULL,
    at bigint NOT NULL
);
CREATE SEQUENCE public.charges_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.charges_id_seq OWNED BY public.charges.id;
CREATE TABLE public.events (
    id bigint NOT NULL,
    at bigint NOT NULL,
    kind character varying(16) NOT NULL,
    reservation_id character varying(32),
    lease_id character varying(32) NOT NULL,
    request_id character varying(64) NOT NULL,
    principal_kind character varying(16) NOT NULL,
    issuer character varying(255) NOT NULL,
    subject character varying(255) NOT NULL,
    address character varying(64) NOT NULL,
    profile character varying(64) NOT NULL,
    model character varying(128),
    renewal integer,
    seconds integer,
    fingerprint character varying(64),
    expires_at bigint,
    code character varying(64),
    details text
);
CREATE SEQUENCE public.events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.events_id_seq OWNED BY public.events.id;
CREATE TABLE public.leases (
    id character varying(32) NOT NULL,
    holder character varying(64) NOT NULL,
    token_id character varying(32) NOT NULL,
    token_end bigint NOT NULL,
    charged_until bigint NOT NULL,
    granted_at bigint NOT NULL,
    handle character varying(64),
    drawn_until bigint NOT NULL,
    fresh_at bigint NOT NULL,
    deadline bigint NOT NULL
);
CREATE TABLE public.logins (
    cookie_hash character varying(64) NOT NULL,
    login_id character varying(32) NOT NULL,
    username character varying(255) NOT NULL,
    expires_at bigint NOT NULL,
    ends_at bigint NOT NULL,
    replaced_at bigint
);
CREATE TABLE public.probes (
    content bytea NOT NULL
);
CREATE TABLE public.refusals (
    id bigint NOT NULL,
    minute bigint NOT NULL,
    code character varying(64) NOT NULL,
    issuer character varying(255) NOT NULL,
    subject character varying(255) NOT NULL,
    address character varying(64) NOT NULL,
    profile character varying(64) NOT NULL,
    count integer NOT NULL
);
CREATE SEQUENCE public.refusals_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.refusals_id_seq OWNED BY public.refusals.id;
CREATE TABLE public.spending (
    key character varying(64) NOT NULL,
    day integer NOT NULL,
    seconds bigint NOT NULL
);
CREATE TABLE public.tokens (
    id character varying(32) NOT NULL,
    lease_id character varying(32) NOT NULL,
    expires_at bigint NOT NULL,
    place_of character varying(64),
    counted_for character varying(64),
    counted_until bigint NOT NULL,
    opens_until bigint,
    undo text
);
CREATE TABLE public.tool_calls (
    id character varying(64) NOT NULL,
    lease_id character varying(32) NOT NULL,
    tool character varying(64) NOT NULL,
    key character varying(64),
    at bigint NOT NULL,
    ends_by bigint NOT NULL,
    cancelled integer NOT NULL,
    pending character varying(64),
    prepared text,
    answer text,
    deadline bigint NOT NULL
);
CREATE TABLE public.usage (
    lease_id character varying(32) NOT NULL,
    started_at bigint NOT NULL,
    issuer character varying(255) NOT NULL,
    subject character varying(255) NOT NULL,
    profile character varying(64) NOT NULL,
    model character varying(128) NOT NULL,
    seconds integer NOT NULL,
    tokens text NOT NULL,
    ended character varying(32),
    rating character varying(8)
);
ALTER TABLE ONLY public.charges ALTER COLUMN id SET DEFAULT nextval('public.charges_id_seq'::regclass);
ALTER TABLE ONLY public.events ALTER COLUMN id SET DEFAULT nextval('public.events_id_seq'::regclass);
ALTER TABLE ONLY public.refusals ALTER COLUMN id SET DEFAULT nextval('public.refusals_id_seq'::regclass);
INSERT INTO public.accounts VALUES ('ada', 'scrypt:32768:8:1$nwZxZZFGjca4do1N$fe143d194c12acf0fa9d2133094f48da941c9d595ada9b52764d377575e804f0dc353a1f51973d9410771e659e82463f6b05f61d132626b1b52964fd8a058221', '');
INSERT INTO public.alembic_version VALUES ('0009');
INSERT INTO public.api_keys VALUES ('backend', '192756d0d2134aaabeade157ce0fa32dff034754a56d66859f7d36f70e8ad1db', 1795840963071075, 'default');
INSERT INTO public.blocks VALUES ('["profile", "closed"]', NULL, 1795840964161870);
INSERT INTO public.charges VALUES (1, '2e788073980fd5022c42f28c2ef1871a', 'e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444', 1795840964278269);
INSERT INTO public.charges VALUES (2, '378490e07722e4ece85c28f7aef3bd60', 'e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444', 1795840964293636);
INSERT INTO public.charges VALUES (3, '6ad0cc610fab223617cd880cc5e83b2f', 'fdf6e30daf934dfb28eb798a1a4978021d8f6dfa597629ac6d5710b6405e8d7f', 1795840964304378);
INSERT INTO public.charges VALUES (4, '3ffd84113c53dd01f51bc5116454295b', '0d0f1ab018db0dee8f6c0dcf093689d3bb970b695e79170f217f0b861b33d23f', 1795840964322769);
INSERT INTO public.charges VALUES (6, 'f96b5aab93ab17886149df18aaf03670', '05c6b65b3f961c23ad1d2750b5126cf7bacef04d4be8408f57fde73b4b3dda39', 1795840964362731);
INSERT INTO public.charges VALUES (7, 'a538113afccaab2d825cea8c81b12df2', '580c247bec97c53afa309a6840f0afe0976a9c816f439ad82176a010b0734870', 1795840964368595);
INSERT INTO public.events VALUES (1, 1795840964278269, 'reserved', '2e788073980fd5022c42f28c2ef1871a', 'd3886984ad613d85f9e4269be89094ea', 'ca18735cbbb88911a8655975ab6afe03', 'guest', 'guest', 'VZuz2t7uxKBQoWb2-paFfw', '127.0.0.1', 'default', 'models/gemini-3.8-live', 0, 300, NULL, NULL, NULL, NULL);
INSERT INTO public.events VALUES (2, 1795840964290277, 'granted', '2e788073980fd5022c42f28c2ef1871a', 'd3886984ad613d85f9e4269be89094ea', 'ca18735cbbb88911a8655975ab6afe03', 'guest', 'guest', 'VZuz2t7uxKBQoWb2-paFfw', '127.0.0.1', 'default', 'models/gemini-3.8-live', 0, 300, '414d37787f4b5c5e8215b57ffc45835c02c88ad46c6a7d3d4d13b10ac9ac6867', 1795841264000000, NULL, NULL);
INSERT INTO public.events VALUES (3, 1795840964293636, 'reserved', '378490e07722e4ece85c28f7aef3bd60', 'e9bb6893f4bdc8c24cb63cd1a1da05d1', '1cc6ecd153d4798edeea10319b85f314', 'guest', 'guest', 'Xk4rcb2Ywk7igzwFlzBbEQ', '127.0.0.1', 'default', 'models/gemini-3.8-live', 0, 300, NULL, NULL, NULL, NULL);
INSERT INTO public.events VALUES (4, 1795840964295862, 'granted', '378490e07722e4ece85c28f7aef3bd60', 'e9bb6893f4bdc8c24cb63cd1a1da05d1', '1cc6ecd153d4798edeea10319b85f314', 'guest', 'guest', 'Xk4rcb2Ywk7igzwFlzBbEQ', '127.0.0.1', 'default', 'models/gemini-3.8-live', 0, 300, '92b21938e0a0a501c293a24e0e3871d9caa911175c527848ea1c4252faffe3a8', 1795841264000000, NULL, NULL);
INSERT INTO public.events VALUES (5, 1795840964304378, 'reserved', '6ad0cc610fab223617cd880cc5e83b2f', '29e0e5e697e669d3b177878a9fdcd5f5', 'f64e0fdebdc5e0b0e5d45d04a241ac0f', 'user', 'https://shop.test/', 'ada', '127.0.0.1', 'default', 'models/gemini-3.8-live', 0, 300, NULL, NULL, NULL, NULL);
INSERT INTO public.events VALUES (6, 1795840964316338, 'granted', '6ad0cc610fab223617cd880cc5e83b2f', '29e0e5e697e669d3b177878a9fdcd5f5', 'f64e0fdebdc5e0b0e5d45d04a241ac0f', 'user', 'https://shop.test/', 'ada', '127.0.0.1', 'default', 'models/gemini-3.8-live', 0, 300, 'e88a30d90ef603fcb2d2627caa155efdd31a0b9d4f170345f78545e52bccd406', 1795841264000000, NULL, NULL);
INSERT INTO public.events VALUES (7, 1795840964322769, 'reserved', '3ffd84113c53dd01f51bc5116454295b', '29e0e5e697e669d3b177878a9fdcd5f5', 'e126cac1863df91f2855e56d9daecb78', 'user', 'https://shop.test/', 'ada', '127.0.0.1', 'default', 'models/gemini-3.8-live', 1, 1, NULL, NULL, NULL, NULL);
INSERT INTO public.events VALUES (8, 1795840964325218, 'granted', '3ffd84113c53dd01f51bc5116454295b', '29e0e5e697e669d3b177878a9fdcd5f5', 'e126cac1863df91f2855e56d9daecb78', 'user', 'https://shop.test/', 'ada', '127.0.0.1', 'default', 'models/gemini-3.8-live', 1, 1, 'f0d53d6029aeb81009b92285091d50ecd1483774a6de902f4cc1d979d4deba8e', 1795841264000000, NULL, NULL);
INSERT INTO public.events VALUES (9, 1795840964331214, 'called', '386539b602a27aad42c73cae7e954243', '29e0e5e697e669d3b177878a9fdcd5f5', '556ff8d97316bb414526a30345462fc9', 'user', 'https://shop.test/', 'ada', '127.0.0.1', 'default', NULL, NULL, NULL, 'e6eac0c2cec5969dd6a938aa1a8675686933a82c6eccda26dfbe259b6994f46d', NULL, 'find_order', '{"number":"17"}');
INSERT INTO public.events VALUES (10, 1795840964335574, 'returned', '386539b602a27aad42c73cae7e954243', '29e0e5e697e669d3b177878a9fdcd5f5', '556ff8d97316bb414526a30345462fc9', 'user', 'https://shop.test/', 'ada', '127.0.0.1', 'default', NULL, NULL, NULL, 'e6eac0c2cec5969dd6a938aa1a8675686933a82c6eccda26dfbe259b6994f46d', NULL, 'done', NULL);
INSERT INTO public.events VALUES (14, 1795840964362731, 'reserved', 'f96b5aab93ab17886149df18aaf03670', 'ce5efeec1a1930bf51e0b061a23b38ee', 'f533e7f3aa349522f33fa7b58f393167', 'key', 'key:backend', 'backend', '127.0.0.1', 'default', 'models/gemini-3.8-live', 0, 300, NULL, NULL, NULL, NULL);
INSERT INTO public.events VALUES (15, 1795840964365752, 'granted', 'f96b5aab93ab17886149df18aaf03670', 'ce5efeec1a1930bf51e0b061a23b38ee', 'f533e7f3aa349522f33fa7b58f393167', 'key', 'key:backend', 'backend', '127.0.0.1', 'default', 'models/gemini-3.8-live', 0, 300, '532925be91a483ac7e4b6ba0f22f31d99410fcf5fef97a638bc4ce61e05740ad', 1795841264000000, NULL, NULL);
INSERT INTO public.events VALUES (16, 1795840965436328, 'erased', NULL, '', '', 'user', 'https://shop.test/', 'erased:03cfeb67ef7de8443f701ad2867fbf7f', 'erased', '', NULL, NULL, NULL, NULL, NULL, NULL, '{"events": 3, "conversations": 0, "days of spending": 1, "reports of usage": 1, "counts of refusals": 0, "accounts": 0}');
INSERT INTO public.events VALUES (12, 1795840964342261, 'granted', 'fedfe267e7aa1f0c7ed9d76fdc624d0b', '52926e1f86f705217cac5dcaaa7ff9e8', '989896ab06af16eb96da91c08842c317', 'user', 'https://shop.test/', 'erased:03cfeb67ef7de8443f701ad2867fbf7f', 'erased', 'default', 'models/gemini-3.8-live', 0, 300, 'afff07390f6fb71a19bdd52c81614dde0f4b2c21d39048ea85b79da9467c2cea', 1795841264000000, NULL, NULL);
INSERT INTO public.events VALUES (11, 1795840964339037, 'reserved', 'fedfe267e7aa1f0c7ed9d76fdc624d0b', '52926e1f86f705217cac5dcaaa7ff9e8', '989896ab06af16eb96da91c08842c317', 'user', 'https://shop.test/', 'erased:03cfeb67ef7de8443f701ad2867fbf7f', 'erased', 'default', 'models/gemini-3.8-live', 0, 300, NULL, NULL, NULL, NULL);
INSERT INTO public.events VALUES (13, 1795840964356615, 'ended', NULL, '52926e1f86f705217cac5dcaaa7ff9e8', '50f50a1fda34682a79300852d066fd90', 'user', 'https://shop.test/', 'erased:03cfeb67ef7de8443f701ad2867fbf7f', 'erased', 'default', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.leases VALUES ('d3886984ad613d85f9e4269be89094ea', 'e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444', '2e788073980fd5022c42f28c2ef1871a', 1795841264278269, 1795841264278269, 1795840964278269, NULL, 1795840964278269, 1795840974278269, 1795842764277790);
INSERT INTO public.leases VALUES ('e9bb6893f4bdc8c24cb63cd1a1da05d1', 'e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444', '378490e07722e4ece85c28f7aef3bd60', 1795841264293636, 1795841264293636, 1795840964293636, NULL, 1795840964293636, 1795840974293636, 1795842764293417);
INSERT INTO public.leases VALUES ('29e0e5e697e669d3b177878a9fdcd5f5', 'fdf6e30daf934dfb28eb798a1a4978021d8f6dfa597629ac6d5710b6405e8d7f', '3ffd84113c53dd01f51bc5116454295b', 1795841264322769, 1795841265304378, 1795840964322769, '5a3cc72ce59a1b7eaaac7054a8a2d7592869e4b65ae2d491fc369f863604cb15', 1795841264304378, 1795840974304378, 1795842764303980);
INSERT INTO public.leases VALUES ('ce5efeec1a1930bf51e0b061a23b38ee', '05c6b65b3f961c23ad1d2750b5126cf7bacef04d4be8408f57fde73b4b3dda39', 'f96b5aab93ab17886149df18aaf03670', 1795841264362731, 1795841264362731, 1795840964362731, NULL, 1795840964362731, 1795840974362731, 1795842764362583);
INSERT INTO public.logins VALUES ('310c114d22b97d00e5af844ea78c222b7bbf991971c81cd6832630c202ea5f80', 'c9ab96b975f14c6c9994548484eb6d6c', 'ada', 1796445764457906, 1798432964457906, NULL);
INSERT INTO public.probes VALUES ('\x00');
INSERT INTO public.refusals VALUES (1, 1795840920000000, 'blocked', 'guest', '9twuEZs8aJXzfnL5Ky3Slw', '127.0.0.1', 'closed', 1);
INSERT INTO public.spending VALUES ('e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444', 20785, 600);
INSERT INTO public.spending VALUES ('fdf6e30daf934dfb28eb798a1a4978021d8f6dfa597629ac6d5710b6405e8d7f', 20785, 301);
INSERT INTO public.spending VALUES ('05c6b65b3f961c23ad1d2750b5126cf7bacef04d4be8408f57fde73b4b3dda39', 20785, 300);
INSERT INTO public.spending VALUES ('erased:03cfeb67ef7de8443f701ad2867fbf7f', 20785, 300);
INSERT INTO public.tokens VALUES ('2e788073980fd5022c42f28c2ef1871a', 'd3886984ad613d85f9e4269be89094ea', 1795841264278269, 'e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444', 'e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444', 1795841264278269, NULL, NULL);
INSERT INTO public.tokens VALUES ('378490e07722e4ece85c28f7aef3bd60', 'e9bb6893f4bdc8c24cb63cd1a1da05d1', 1795841264293636, 'e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444', 'e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444', 1795841264293636, NULL, NULL);
INSERT INTO public.tokens VALUES ('6ad0cc610fab223617cd880cc5e83b2f', '29e0e5e697e669d3b177878a9fdcd5f5', 1795841264304378, NULL, NULL, 1795841264304378, NULL, NULL);
INSERT INTO public.tokens VALUES ('3ffd84113c53dd01f51bc5116454295b', '29e0e5e697e669d3b177878a9fdcd5f5', 1795841264322769, 'fdf6e30daf934dfb28eb798a1a4978021d8f6dfa597629ac6d5710b6405e8d7f', 'fdf6e30daf934dfb28eb798a1a4978021d8f6dfa597629ac6d5710b6405e8d7f', 1795841265304378, NULL, NULL);
INSERT INTO public.tokens VALUES ('f96b5aab93ab17886149df18aaf03670', 'ce5efeec1a1930bf51e0b061a23b38ee', 1795841264362731, '05c6b65b3f961c23ad1d2750b5126cf7bacef04d4be8408f57fde73b4b3dda39', '05c6b65b3f961c23ad1d2750b5126cf7bacef04d4be8408f57fde73b4b3dda39', 1795841264362731, NULL, NULL);
INSERT INTO public.tokens VALUES ('fedfe267e7aa1f0c7ed9d76fdc624d0b', '52926e1f86f705217cac5dcaaa7ff9e8', 1795841264339037, NULL, NULL, 1795841264339037, NULL, NULL);
INSERT INTO public.tool_calls VALUES ('386539b602a27aad42c73cae7e95424360b9917d4b45ff442eb6e2637dd71398', '29e0e5e697e669d3b177878a9fdcd5f5', 'find_order', NULL, 1795840964331214, 1795840974331214, 0, NULL, NULL, '{"output": {"number": "17", "state": "on its way"}}', 1795842764000000);
INSERT INTO public.usage VALUES ('29e0e5e697e669d3b177878a9fdcd5f5', 1795840964000000, 'https://shop.test/', 'ada', 'default', 'models/gemini-3.8-live', 20, '{"prompt.AUDIO": 700, "response.AUDIO": 500}', 'idle', NULL);
INSERT INTO public.usage VALUES ('52926e1f86f705217cac5dcaaa7ff9e8', 1795840964000000, 'https://shop.test/', 'erased:03cfeb67ef7de8443f701ad2867fbf7f', 'default', 'models/gemini-3.8-live', 20, '{"prompt.AUDIO": 700, "response.AUDIO": 500}', 'idle', 'good');
SELECT pg_catalog.setval('public.charges_id_seq', 9, true);
SELECT pg_catalog.setval('public.events_id_seq', 16, true);
SELECT pg_catalog.setval('public.refusals_id_seq', 1, true);
ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (username);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_key_hash_key UNIQUE (key_hash);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.blocks
    ADD CONSTRAINT blocks_pkey PRIMARY KEY (key);
ALTER TABLE ONLY public.charges
    ADD CONSTRAINT charges_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.leases
    ADD CONSTRAINT leases_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.logins
    ADD CONSTRAINT logins_pkey PRIMARY KEY (cookie_hash);
ALTER TABLE ONLY public.refusals
    ADD CONSTRAINT refusals_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.spending
    ADD CONSTRAINT spending_pkey PRIMARY KEY (key, day);
ALTER TABLE ONLY public.tokens
    ADD CONSTRAINT tokens_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.tool_calls
    ADD CONSTRAINT tool_calls_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.usage
    ADD CONSTRAINT usage_pkey PRIMARY KEY (lease_id);
CREATE INDEX charges_by_key ON public.charges USING btree (key, at);
CREATE INDEX charges_by_time ON public.charges USING btree (at);
CREATE INDEX events_by_subject ON public.events USING btree (issuer, subject, at);
CREATE INDEX events_by_time ON public.events USING btree (at);
CREATE INDEX leases_by_deadline ON public.leases USING btree (deadline);
CREATE INDEX logins_by_expiry ON public.logins USING btree (expires_at);
CREATE INDEX logins_by_login ON public.logins USING btree (login_id);
CREATE INDEX logins_by_username ON public.logins USING btree (username);
CREATE INDEX refusals_by_time ON public.refusals USING btree (minute);
CREATE INDEX tokens_by_holder ON public.tokens USING btree (counted_for, counted_until);
CREATE INDEX tokens_by_lease ON public.tokens USING btree (lease_id, expires_at);
CREATE INDEX tokens_by_opening ON public.tokens USING btree (opens_until) WHERE (opens_until IS NOT NULL);
CREATE INDEX tokens_by_time ON public.tokens USING btree (expires_at);
CREATE INDEX tool_calls_by_deadline ON public.tool_calls USING btree (deadline);
CREATE INDEX tool_calls_by_lease ON public.tool_calls USING btree (lease_id, tool, at);
CREATE INDEX usage_by_start ON public.usage USING btree (started_at);
CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON public.events FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
