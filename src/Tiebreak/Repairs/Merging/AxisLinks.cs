using Tiebreak.Programs;

namespace Tiebreak.Repairs.Merging;

/// <summary>
/// What one source axis of an index map becomes: one target axis, whose places are the source's in some order (or −1, nothing), or several whose products they are. <c>Map</c> has one entry a place of the target
/// axis, or a product of places, row-major.
/// </summary>
sealed record AxisLink(int Source, int[] Targets, int[] Map);

/// <summary>Takes index maps apart by axis, as far as each target axis reads one source axis alone.</summary>
static class AxisLinks
{
    /// <summary>The links; axes of size 1 and axes that are mixed have none.</summary>
    public static IEnumerable<AxisLink> Of(IndexMap map) => map is IndexMap.Affine affine ? Of(affine) : Of((IndexMap.Table)map);

    static IEnumerable<AxisLink> Of(IndexMap.Affine map)
    {
        var strides = map.Source.Strides();
        var axes = Enumerable.Range(0, map.Target.Rank).Where(axis => map.Target[axis] > 1).ToArray();
        var owners = axes.ToDictionary(axis => axis, axis => Owner(map.Source, strides, map.Strides[axis]));
        var offset = map.Offset;
        for (var source = 0; source < map.Source.Rank; source++)
        {
            var first = offset / strides[source]; // the offset's own place on this axis: what is less is of the axes behind
            offset %= strides[source];
            var targets = axes.Where(axis => owners[axis] == source).ToArray();
            if (targets.Length == 0 || map.Source[source] == 1) continue;
            var steps = targets.Select(axis => map.Strides[axis] / strides[source]).ToArray();
            if (targets.Length > 1 && !IsProduct(map.Target, targets, steps)) continue;
            var places = Places(map.Target, targets, steps, first);
            if (Array.TrueForAll(places, place => place >= 0 && place < map.Source[source])) yield return new AxisLink(source, targets, places);
        }
    }

    static int Owner(Shape source, int[] strides, int stride)
    {
        for (var axis = 0; axis < source.Rank; axis++)
            if (source[axis] > 1 && stride != 0 && Math.Abs(stride) >= strides[axis] && stride % strides[axis] == 0) return axis;
        return -1;
    }

    // Several target axes count through one source axis like digits.
    static bool IsProduct(Shape target, int[] axes, int[] steps)
    {
        for (var k = 0; k < axes.Length - 1; k++)
            if (steps[k] != steps[k + 1] * target[axes[k + 1]]) return false;
        return steps[^1] > 0;
    }

    static int[] Places(Shape target, int[] axes, int[] steps, int first)
    {
        int[] places = [first];
        for (var k = 0; k < axes.Length; k++) places = [.. places.SelectMany(place => Enumerable.Range(0, target[axes[k]]).Select(i => place + i * steps[k]))];
        return places;
    }

    // A table is taken apart by reading it along each axis from a place where it reads something, and holding the sum of what was read against all of it.
    static IEnumerable<AxisLink> Of(IndexMap.Table map)
    {
        var (source, target) = (map.Source, map.Target);
        if (target.Count == 0 || source.Rank == 0) yield break;
        var at = Array.FindIndex(map.Positions, position => position >= 0);
        if (at < 0) yield break;
        var (sourceStrides, targetStrides) = (source.Strides(), target.Strides());
        int PlaceIn(int position, int axis) => position / sourceStrides[axis] % source[axis];
        var links = new List<AxisLink>();
        var used = new HashSet<int>();
        for (var axis = 0; axis < target.Rank; axis++)
        {
            if (target[axis] == 1) continue;
            var start = at - at / targetStrides[axis] % target[axis] * targetStrides[axis];
            var line = Enumerable.Range(0, target[axis]).Select(i => map.Positions[start + i * targetStrides[axis]]).ToArray();
            var owners = Enumerable.Range(0, source.Rank).Where(of => line.Where(position => position >= 0).Select(position => PlaceIn(position, of)).Distinct().Count() > 1).ToArray();
            if (owners.Length != 1) continue;
            if (!used.Add(owners[0])) links.RemoveAll(link => link.Source == owners[0]);
            else links.Add(new AxisLink(owners[0], [axis], [.. line.Select(position => position < 0 ? -1 : PlaceIn(position, owners[0]))]));
        }

        foreach (var link in links)
            if (Holds(map, link, sourceStrides, targetStrides)) yield return link;
    }

    static bool Holds(IndexMap.Table map, AxisLink link, int[] sourceStrides, int[] targetStrides)
    {
        var (axis, stride) = (link.Targets[0], sourceStrides[link.Source]);
        for (var k = 0; k < map.Positions.Length; k++)
        {
            if (map.Positions[k] < 0) continue;
            if (map.Positions[k] / stride % map.Source[link.Source] != link.Map[k / targetStrides[axis] % map.Target[axis]]) return false;
        }

        return true;
    }
}
