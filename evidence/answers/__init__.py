"""Answers to the questions a spending review asks, each a table and a figure with intervals and an evidence id.

Most read the main study. Four read a study of their own, which `dispersal answers` runs (`companions` names them).
"""
