namespace Tiebreak.Formats.Families;

/// <summary>The buckets of distances that T5 tells apart: one for each short distance, then ever wider ones.</summary>
static class RelativeBuckets
{
    /// <summary>The bucket of a key's place minus the query's; looking one way only, keys ahead share the first.</summary>
    public static int Of(int distance, bool bothWays, int buckets, int farthest)
    {
        var first = 0;
        if (bothWays)
        {
            buckets /= 2;
            if (distance > 0) first = buckets;
            distance = Math.Abs(distance);
        }
        else
        {
            distance = Math.Max(-distance, 0);
        }

        var exact = buckets / 2;
        if (distance < exact) return first + distance;
        var wider = exact + (int)(Math.Log((double)distance / exact) / Math.Log((double)farthest / exact) * (buckets - exact));
        return first + Math.Min(wider, buckets - 1);
    }
}
