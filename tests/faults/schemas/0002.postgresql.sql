-- A store of revision 0002, as it was before the first release. The made-up API key “backend”: tsk_elouDXvQV4VGZsYiD9dr82ZveUZJNUTz0KM4vq
CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'events are appended, never changed'; END $$;
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
    code character varying(64)
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
    charged_until bigint NOT NULL,
    live_until bigint NOT NULL,
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
CREATE TABLE public.spending (
    key character varying(64) NOT NULL,
    day integer NOT NULL,
    seconds bigint NOT NULL
);
ALTER TABLE ONLY public.charges ALTER COLUMN id SET DEFAULT nextval('public.charges_id_seq'::regclass);
ALTER TABLE ONLY public.events ALTER COLUMN id SET DEFAULT nextval('public.events_id_seq'::regclass);
INSERT INTO public.accounts VALUES ('ada', 'scrypt:32768:8:1$97bnRHgJZSXCOTTX$fdab63b8f6122408b050fca3566e50011e05aab637a2a1a8b1bd393fab1b6bdf1f99decf0bc57cb46329024d3f5de557201e06cf09ce1568a863b4c05a8a8fbe', '');
INSERT INTO public.alembic_version VALUES ('0002');
INSERT INTO public.api_keys VALUES ('backend', '24b05ce11def0590145db6808f27c769745ba1eba59c24acd0645ef6661af92f', 1795808913817878, 'default');
INSERT INTO public.blocks VALUES ('["profile", "closed"]', NULL, 1795808914319656);
INSERT INTO public.charges VALUES (1, 'd212dc7e1bb74550acd72f5b70516136', 'e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444', 1795808916129750);
INSERT INTO public.charges VALUES (2, '84c12b64e6f64b6b99fbaab3796cadfe', 'e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444', 1795808916149589);
INSERT INTO public.charges VALUES (3, '04098ecc40934764a51838f7fff2d4f3', 'fdf6e30daf934dfb28eb798a1a4978021d8f6dfa597629ac6d5710b6405e8d7f', 1795808916158767);
INSERT INTO public.charges VALUES (4, 'c4d6dff2f45746018bb11f82ccf3844e', '83b43374bb0735e8812b370126ddea120bfbbd71f617792685a8d33f0d57afbf', 1795808916167063);
INSERT INTO public.charges VALUES (5, 'c179143278304def99343187218397ad', 'ebf27a781c43bd28a34c082a5f3d907c7717c14e406b3394b41577f239835e06', 1795808916180510);
INSERT INTO public.events VALUES (1, 1795808916129750, 'reserved', 'd212dc7e1bb74550acd72f5b70516136', '574fec0ba399469cb4b5c55baf72965e', 'bd5c1afbcc594d8d975829bcc9ac1275', 'guest', 'guest', 'OHocl-Oen9yXI0ms9fKdQg', '127.0.0.1', 'default', 'models/gemini-3.8-live', 0, 300, NULL, NULL, NULL);
INSERT INTO public.events VALUES (2, 1795808916144988, 'granted', 'd212dc7e1bb74550acd72f5b70516136', '574fec0ba399469cb4b5c55baf72965e', 'bd5c1afbcc594d8d975829bcc9ac1275', 'guest', 'guest', 'OHocl-Oen9yXI0ms9fKdQg', '127.0.0.1', 'default', 'models/gemini-3.8-live', 0, 300, 'b06fc935e74e9934ba5ee027e4b1ed9aaca2e5bf4990f69712aa6b983ed9a13f', 1795809216000000, NULL);
INSERT INTO public.events VALUES (3, 1795808916149589, 'reserved', '84c12b64e6f64b6b99fbaab3796cadfe', 'b281698e9c124e07a9760ce7ce467c04', 'a86c0785456348818ad5eb70f3ecf128', 'guest', 'guest', 'nMikuNqjHn_K3cDxfuOnvQ', '127.0.0.1', 'default', 'models/gemini-3.8-live', 0, 300, NULL, NULL, NULL);
INSERT INTO public.events VALUES (4, 1795808916155169, 'granted', '84c12b64e6f64b6b99fbaab3796cadfe', 'b281698e9c124e07a9760ce7ce467c04', 'a86c0785456348818ad5eb70f3ecf128', 'guest', 'guest', 'nMikuNqjHn_K3cDxfuOnvQ', '127.0.0.1', 'default', 'models/gemini-3.8-live', 0, 300, '5169d52bd1e6b2cd203d64b1c97fd81fbc48b18773628f3f4505ede4ad2c32d1', 1795809216000000, NULL);
INSERT INTO public.events VALUES (5, 1795808916158767, 'reserved', '04098ecc40934764a51838f7fff2d4f3', '9c36e3bd671b475798d4406e9b0816ba', '6c6792db0db646ae9180fbdcfa2aeca5', 'user', 'https://shop.test/', 'ada', '127.0.0.1', 'default', 'models/gemini-3.8-live', 0, 300, NULL, NULL, NULL);
INSERT INTO public.events VALUES (6, 1795808916163354, 'granted', '04098ecc40934764a51838f7fff2d4f3', '9c36e3bd671b475798d4406e9b0816ba', '6c6792db0db646ae9180fbdcfa2aeca5', 'user', 'https://shop.test/', 'ada', '127.0.0.1', 'default', 'models/gemini-3.8-live', 0, 300, 'b9f66d47ab49308142e553635cf1f770882d7bd640ef58d0b4e8bb948bf7d514', 1795809216000000, NULL);
INSERT INTO public.events VALUES (7, 1795808916167063, 'reserved', 'c4d6dff2f45746018bb11f82ccf3844e', '9c36e3bd671b475798d4406e9b0816ba', '9bd3a7fb9b1d407a8b5f8e31b20a38d7', 'user', 'https://shop.test/', 'ada', '127.0.0.1', 'default', 'models/gemini-3.8-live', 1, 1, NULL, NULL, NULL);
INSERT INTO public.events VALUES (8, 1795808916171231, 'granted', 'c4d6dff2f45746018bb11f82ccf3844e', '9c36e3bd671b475798d4406e9b0816ba', '9bd3a7fb9b1d407a8b5f8e31b20a38d7', 'user', 'https://shop.test/', 'ada', '127.0.0.1', 'default', 'models/gemini-3.8-live', 1, 1, 'fb81c3032cfed59d1eb1dc38e2cf8a1f97aa88b05a12931b9561ff1505b79f1f', 1795809216000000, NULL);
INSERT INTO public.events VALUES (9, 1795808916174428, 'ended', NULL, '9c36e3bd671b475798d4406e9b0816ba', '10cce073feed4e2ca75107654839ddf9', 'user', 'https://shop.test/', 'ada', '127.0.0.1', 'default', NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO public.leases VALUES ('574fec0ba399469cb4b5c55baf72965e', 'e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444', 1795809216129750, 1795809216129750, 1795810716128287);
INSERT INTO public.leases VALUES ('b281698e9c124e07a9760ce7ce467c04', 'e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444', 1795809216149589, 1795809216149589, 1795810716148929);
INSERT INTO public.logins VALUES ('0d395678d5ae0887614dba8e4c9d65488ffdfc95692870e23bd8b6ef377100a7', '81f551f1d0ff48eea10794d0a3f24493', 'ada', 1796413716255692, 1798400916255692, NULL);
INSERT INTO public.spending VALUES ('e5f23994c5a9efa3dd05d8ecfd19e08bdeb6c373127ce772aae85bde16747444', 20784, 600);
INSERT INTO public.spending VALUES ('958a05a7bc337c19c0db8cbf78bacb4fa34862e0e2f6a2f28429ca2c4284b720', 20784, 901);
SELECT pg_catalog.setval('public.charges_id_seq', 7, true);
SELECT pg_catalog.setval('public.events_id_seq', 9, true);
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
ALTER TABLE ONLY public.spending
    ADD CONSTRAINT spending_pkey PRIMARY KEY (key, day);
CREATE INDEX charges_by_key ON public.charges USING btree (key, at);
CREATE INDEX charges_by_reservation ON public.charges USING btree (reservation_id);
CREATE INDEX charges_by_time ON public.charges USING btree (at);
CREATE INDEX events_by_reservation ON public.events USING btree (reservation_id);
CREATE INDEX events_by_subject ON public.events USING btree (issuer, subject, at);
CREATE INDEX events_by_time ON public.events USING btree (at);
CREATE INDEX leases_by_deadline ON public.leases USING btree (deadline);
CREATE INDEX leases_by_holder ON public.leases USING btree (holder, live_until);
CREATE INDEX logins_by_expiry ON public.logins USING btree (expires_at);
CREATE INDEX logins_by_login ON public.logins USING btree (login_id);
CREATE INDEX logins_by_username ON public.logins USING btree (username);
CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON public.events FOR EACH ROW EXECUTE FUNCTION public.refuse_change();
