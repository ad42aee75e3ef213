def upgrade(op):
    op.execute("CREATE TABLE parcels (id integer)")
    op.execute("ALTER TABLE orders ADD COLUMN parcel integer")
    op.execute("INSERT INTO parcels (id, weight) VALUES (1, 2)")
