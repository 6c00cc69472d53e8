"""For councils and regional partnerships: packs, the change plan, hotels, rural viability."""
